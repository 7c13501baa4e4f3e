"use strict";
// Before anything is drawn, so that a dark page does not flash white.
(function () {
  const wanted = window.matchMedia("(prefers-color-scheme: dark)");
  const show = () => { document.documentElement.dataset.bsTheme = wanted.matches ? "dark" : "light"; };
  wanted.addEventListener("change", show);
  show();
})();
