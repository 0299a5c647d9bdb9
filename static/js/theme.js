// Runs in <head> before the first paint, so that a chosen theme never flashes.
(() => {
  "use strict";
  const root = document.documentElement;
  const names = { auto: "as the system", light: "light", dark: "dark" };
  const order = Object.keys(names);
  root.classList.add("js");

  const stored = () => {
    try {
      const value = localStorage.getItem("theme");
      return order.includes(value) ? value : "auto";
    } catch {
      return "auto"; // storage is refused: the system's theme
    }
  };
  const apply = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  const describe = (button, theme) => {
    button.title = `Theme: ${names[theme]}`;
    button.querySelector("[data-theme-name]").textContent = `Theme: ${names[theme]}. Change theme`;
    for (const icon of button.querySelectorAll("[data-theme-icon]")) icon.hidden = icon.dataset.themeIcon !== theme;
  };

  let theme = stored();
  apply(theme);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    if (!button) return;
    describe(button, theme);
    button.addEventListener("click", () => {
      theme = order[(order.indexOf(theme) + 1) % order.length];
      apply(theme);
      describe(button, theme);
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // the choice lasts for this page only
      }
    });
  });
})();
