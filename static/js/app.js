// The header's menus, and an honest sentence when a request of htmx fails.
(() => {
  "use strict";
  const toggle = document.querySelector("[data-nav-toggle]");
  const nav = document.getElementById("site-nav");
  const menu = document.querySelector(".user-menu");

  const setNav = (open) => {
    if (!toggle || !nav) return;
    toggle.setAttribute("aria-expanded", String(open));
    nav.classList.toggle("open", open);
  };
  toggle?.addEventListener("click", () => setNav(toggle.getAttribute("aria-expanded") !== "true"));

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (menu?.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (toggle?.getAttribute("aria-expanded") === "true") {
      setNav(false);
      toggle.focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (menu?.open && !menu.contains(event.target)) menu.open = false;
    if (event.target.closest("[data-print]")) window.print();
  });

  const sentences = {
    401: "You have been signed out. Sign in and try again.",
    403: "You may not do that, or this page is too old. Reload it and try again.",
    404: "That is no longer there.",
    413: "The files are too large together.",
    429: "Too many requests. Wait a minute and try again.",
  };
  const tell = (text) => {
    const template = document.getElementById("request-failed");
    const messages = document.getElementById("messages");
    if (!template || !messages) return;
    const alert = template.content.cloneNode(true);
    alert.querySelector("[data-text]").textContent = text;
    messages.replaceChildren(alert);
  };
  document.addEventListener("htmx:response:error", (event) => {
    const status = event.detail.ctx.response.status;
    if (status === 400 || status === 409 || status === 422) return; // the answer itself explains, and is shown in its place
    tell(sentences[status] ?? "Something went wrong on our side. Nothing was changed; try again in a moment.");
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx?.request) tell("The server did not answer. Check the connection and try again.");
  });
})();
