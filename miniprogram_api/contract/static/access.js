"use strict";
// What Swagger UI leaves to mend for those who read with their ears: its landmark, headings, nested links, nameless lists.

window.Access = (() => {
  const MENDS = [
    [".information-container", (node) => region(node, "About")],
    [".scheme-container", (node) => region(node, "Authorize")],
    [".filter-container", (node) => node.setAttribute("role", "search")],
    ["h1.title", (node) => node.setAttribute("aria-level", "2")], // below the page's own
    [".opblock-summary-control a[href]", (node) => node.removeAttribute("href")], // the button around it leads there as well
    [".examples-select-element", (node) => node.setAttribute("aria-label", window.Words.say("Examples"))],
  ];

  function region(node, word) {
    node.setAttribute("role", "region");
    node.setAttribute("aria-label", window.Words.say(word));
  }
  function mend(element) {
    MENDS.forEach(([selector, change]) => element.querySelectorAll(selector).forEach(change));
  }
  function watch(element) {
    new MutationObserver(() => mend(element)).observe(element, { childList: true, subtree: true });
  }
  return { watch };
})();
