"use strict";
// A switch takes effect at once; without this script each row has a button.

document.addEventListener("change", async (event) => {
  const radio = event.target.closest(".switch input");
  if (!radio) return;
  const form = radio.form;
  const side = form.elements.side.value;
  const says = document.getElementById(`says-${side}`);
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ side, mode: radio.value }),
  }).catch(() => null);
  const taken = answer !== null && answer.ok;
  if (taken) {
    form.querySelectorAll("label").forEach((label) => {
      const mine = label.contains(radio);
      label.classList.toggle("on", mine && radio.value === "ok");
      label.classList.toggle("odd", mine && radio.value !== "ok");
    });
    says.classList.toggle("warn", radio.value !== "ok");
  }
  says.textContent = taken ? radio.dataset.says : "沙箱没有应答，没有更改";
  document.getElementById("said").textContent = says.textContent;
});
