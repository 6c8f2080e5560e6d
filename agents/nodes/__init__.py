"""The steps of a run, one file each. A node takes frozen values and adds one."""
