// A stand-in for the dashboard of the CloudWatch console, as far as AWS documents it:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html and …_interactivity.html
"use strict";

const frame = document.querySelector(".frame");
const widget = document.querySelector(".widget");
const dialog = document.querySelector("dialog");

/** What the console removed from the HTML, the questions it asked, and what is wrong with actions. */
const record = { removed: [], questions: [], broken: [] };
let shown = {};

/** Calls the function, as the console does whenever it shows the widget. */
async function show(settings) {
  shown = settings;
  document.documentElement.className = settings.theme;
  frame.style.width = `${settings.width + 30}px`;
  widget.style.maxHeight = settings.height ? `${settings.height}px` : "";
  document.querySelector("h2").textContent = settings.title;
  widget.replaceChildren();
  await refresh();
}

/** The refresh of the dashboard: the saved parameters again, and what is typed. */
async function refresh() {
  await call(shown.endpoint, shown.params, "widget");
}

/** Every field of every form, by name; and each form by itself. */
function forms() {
  const all = {};
  for (const field of widget.querySelectorAll("input[name], textarea[name], select[name]")) {
    const unchecked = ["checkbox", "radio"].includes(field.type) && !field.checked;
    if (!unchecked) all[field.name] = field.value;
  }
  return { all };
}

async function call(endpoint, parameters, display) {
  const event = {
    ...(shown.merges ? shown.params : {}),
    ...parameters,
    widgetContext: {
      dashboardName: shown.name,
      widgetId: "widget-1",
      accountId: "123456789012",
      locale: "en",
      timezone: { label: "UTC", offsetISO: "+00:00", offsetInMinutes: 0 },
      period: 300,
      isAutoPeriod: true,
      timeRange: { mode: "relative", start: Date.now() - 3600000, end: Date.now(), relativeStart: 3600000 },
      theme: shown.theme,
      linkCharts: true,
      title: shown.title,
      forms: forms(),
      params: shown.params,
      width: shown.width,
      height: shown.height || 400,
    },
  };
  widget.classList.add("busy");
  const response = await fetch("/invoke", { method: "POST", body: JSON.stringify({ endpoint, event }) });
  const answer = await response.json();
  if (display === "popup") {
    await ask(typeof answer === "string" ? answer : JSON.stringify(answer), false);
  } else if (typeof answer === "string") {
    widget.replaceChildren(...clean(answer));
    bind();
  } else {
    widget.textContent = JSON.stringify(answer, null, 2);
  }
  widget.classList.remove("busy");
}

/** The HTML without scripts, frames, `use`, handlers and script URLs. */
function clean(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const element of template.content.querySelectorAll("*")) {
    const name = element.localName;
    if (["script", "iframe", "use", "object", "embed", "link", "meta", "base"].includes(name)) {
      record.removed.push(name);
      element.remove();
      continue;
    }
    for (const { name: attribute, value } of [...element.attributes]) {
      if (attribute.startsWith("on") || /^\s*javascript:/i.test(value)) {
        record.removed.push(`${name} ${attribute}`);
        element.removeAttribute(attribute);
      }
    }
  }
  return [...template.content.childNodes];
}

/** Each action belongs to the element before it. */
function bind() {
  for (const action of widget.querySelectorAll("cwdb-action")) {
    const element = action.previousElementSibling;
    const endpoint = action.getAttribute("endpoint");
    if (!element || element.localName === "cwdb-action" || action.getAttribute("action") !== "call" || !endpoint) {
      record.broken.push(action.outerHTML);
      continue;
    }
    element.addEventListener(action.getAttribute("event") || "click", async () => {
      const question = action.getAttribute("confirmation");
      if (question !== null && !(await ask(question, true))) return;
      const text = action.textContent.trim();
      await call(endpoint, text ? JSON.parse(text) : {}, action.getAttribute("display") || "widget");
    });
  }
}

/** Shows a text, and waits for the answer. */
function ask(text, isQuestion) {
  if (isQuestion) record.questions.push(text);
  dialog.querySelector(".message").textContent = text;
  dialog.showModal();
  return new Promise((resolve) => {
    for (const button of dialog.querySelectorAll("button")) {
      button.onclick = () => {
        dialog.close();
        resolve(button.value === "yes");
      };
    }
  });
}

window.dashboard = { show, refresh, record };
