"use strict";
// A plug-in of Swagger UI: shows a call's x-codeSamples, which it does not know, as tabs above its responses.

window.Samples = (system) => {
  const { createElement: el, useState } = system.React;

  function copy(text, button) {
    navigator.clipboard.writeText(text).then(() => {
      const before = button.textContent;
      button.textContent = window.Words.say("Copied");
      setTimeout(() => { button.textContent = before; }, 2000);
    }, () => {});
  }

  function Samples({ samples }) {
    const [chosen, choose] = useState(0);
    const tabs = samples.map(({ label }, place) => el("button", {
      key: label, type: "button", "aria-pressed": place === chosen, onClick: () => choose(place),
    }, label));
    const source = samples[chosen].source;
    return el("div", { className: "samples" },
      el("div", { className: "tabs", role: "group", "aria-label": window.Words.say("Samples") }, tabs,
        window.isSecureContext && el("button", { type: "button", className: "copy", onClick: (event) => copy(source, event.currentTarget) }, window.Words.say("Copy"))),
      el("pre", { tabIndex: 0 }, source));
  }

  const responses = (Original) => (props) => {
    const { path, method } = props;
    const found = props.specSelectors.specJson().getIn(["paths", path, method, "x-codeSamples"]);
    return el(system.React.Fragment, null,
      found && el(Samples, { samples: found.toJS() }), el(Original, props));
  };
  return { wrapComponents: { responses } };
};
