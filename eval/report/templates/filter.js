"use strict";
(() => {
  const form = document.querySelector("form.filter");
  if (!form) return;
  const cases = [...document.querySelectorAll("details.case")];
  const said = form.querySelector("output");
  const show = () => {
    const wanted = ["row", "task", "kind"].map((name) => [name, form.elements[name].value]);
    let shown = 0;
    for (const item of cases) {
      const fits = wanted.every(([name, value]) => !value || item.dataset[name] === value);
      item.hidden = !fits;
      if (fits) shown += 1;
    }
    said.textContent = `${shown} of ${cases.length} cases shown`;
  };
  form.hidden = false;
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
