"""What the board is made of: choosing rows, drawing them, the wall, the alerts."""
