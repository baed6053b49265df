/* For browsers that know no modules: they get the page as it is without scripts. */
(function () {
  var nodes = document.getElementsByTagName("noscript");
  while (nodes.length) {
    var shown = document.createElement("div");
    shown.innerHTML = nodes[0].textContent;
    nodes[0].parentNode.replaceChild(shown, nodes[0]);
  }
})();
