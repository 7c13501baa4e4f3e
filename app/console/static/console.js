"use strict";
// Everything here makes pages more comfortable; each works without it, by loading it again.

// --- copying ids and commands ---
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  navigator.clipboard.writeText(button.dataset.copy).then(() => {
    const before = button.textContent;
    button.textContent = "copied";
    setTimeout(() => { button.textContent = before; }, 1500);
  });
});

// --- choosing all entries of a table ---
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-all]")) return;
  for (const each of event.target.closest("table").querySelectorAll("input[name]")) each.checked = event.target.checked;
});

// --- logs ---
const watchLog = (log) => {
  let offset = Number(log.dataset.offset);
  let wait = 700;
  const follow = document.getElementById(log.dataset.follow);
  const read = async () => {
    try {
      const answer = await fetch(`${log.dataset.log}?offset=${offset}`, { headers: { "X-Part": "log" } });
      if (!answer.ok) throw new Error(answer.status);
      const part = await answer.json();
      if (part.html) {
        const piece = document.createElement("div");
        piece.innerHTML = part.html;
        // What nobody looks at is not drawn.
        if (part.html.length > 50000) piece.className = "long";
        log.append(piece);
        if (follow.checked) log.scrollTop = log.scrollHeight;
        wait = 300;
      } else {
        wait = Math.min(wait * 1.4, 8000);
      }
      offset = part.offset;
      if (part.is_complete) {
        // What comes next begins now.
        document.dispatchEvent(new Event("log-complete"));
        return;
      }
    } catch { wait = 8000; }
    setTimeout(read, document.hidden ? 8000 : wait);
  };
  if (!("complete" in log.dataset)) setTimeout(read, 100);
  if (follow.checked) log.scrollTop = log.scrollHeight;
};

const searchLog = (field) => {
  const log = document.getElementById(field.dataset.search);
  const told = document.getElementById(field.dataset.told);
  let last = -1;
  let before = "";
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const words = field.value.toLowerCase();
    if (words !== before) last = -1;
    before = words;
    const found = [];
    const walker = document.createTreeWalker(log, NodeFilter.SHOW_TEXT);
    while (words && walker.nextNode()) {
      const text = walker.currentNode.data.toLowerCase();
      for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + words.length)) {
        found.push([walker.currentNode, at]);
      }
    }
    if (!found.length) { told.textContent = words ? "not found" : ""; return; }
    last = (last + 1) % found.length;
    const [node, at] = found[last];
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + words.length);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    const line = range.getBoundingClientRect();
    log.scrollTop += line.top - log.getBoundingClientRect().top - log.clientHeight / 2;
    told.textContent = `${last + 1} of ${found.length}`;
  });
};

const begin = (place) => {
  place.querySelectorAll("[data-log]").forEach(watchLog);
  place.querySelectorAll("[data-search]").forEach(searchLog);
  for (const button of place.querySelectorAll("[data-copy], [data-all]")) button.hidden = false;
};
begin(document);

// --- parts of a page that are loaded after it; without a script, links lead to them ---
const load = (place) => fetch(place.dataset.load, { headers: { "X-Part": "section" } })
  .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
  .then((text) => { place.innerHTML = text; begin(place); })
  .catch(() => {});
for (const place of document.querySelectorAll("[data-load]:not([data-later])")) load(place);

// --- parts of a page that change by themselves ---
const live = document.querySelector("[data-live]");
if (live) {
  let wait = 1000;
  let timer;
  let shown = "";
  let asked = 0;
  let status = live.querySelector("[data-status]").dataset.status;

  // What somebody has typed, and where the focus is, stay as they are.
  const replace = (text) => {
    const focused = live.contains(document.activeElement) ? document.activeElement : null;
    const typed = [...live.querySelectorAll("input[id]")].map((field) => [field.id, field.value]);
    live.innerHTML = text;
    for (const [id, value] of typed) {
      const field = document.getElementById(id);
      if (field) field.value = value;
    }
    if (!focused) return;
    const same = [...live.querySelectorAll("input[id], button, a, summary")].find((each) => (
      each.id === focused.id && each.localName === focused.localName && each.value === focused.value
      && each.textContent === focused.textContent));
    (same || live).focus({ preventScroll: true });
  };

  // Logs that have begun meanwhile, and what depends on the status.
  const follow = () => {
    const now = live.querySelector("[data-status]").dataset;
    const begun = now.begun.split(" ");
    for (const place of document.querySelectorAll("[data-later]")) {
      if (!begun.includes(place.dataset.later)) continue;
      place.removeAttribute("data-later");
      place.hidden = false;
      load(place);
    }
    if (now.status === status) return;
    status = now.status;
    document.getElementById("said").textContent = status;
    for (const place of document.querySelectorAll("[data-load][data-renewed]")) {
      // A list that somebody looks at stays.
      if (!place.querySelector("details")) load(place);
    }
  };

  const refresh = async () => {
    try {
      // Now and then all of it comes, with new times and a form that is still valid.
      asked += 1;
      const headers = { "X-Part": "live" };
      if (asked % 8) headers["X-Version"] = live.querySelector("[data-version]").dataset.version;
      const answer = await fetch(live.dataset.live, { headers });
      if (answer.status === 401) {
        location.reload();
        return;
      }
      if (!answer.ok) throw new Error(answer.status);
      const text = answer.status === 204 ? "" : await answer.text();
      // The token of the form is another one each time.
      const compared = text.replace(/name="form_token" value="[^"]*"/g, "");
      if (text && compared !== shown) {
        const before = live.querySelector("[data-version]").dataset.version;
        replace(text);
        shown = compared;
        // Mere times are no reason to ask more often.
        wait = live.querySelector("[data-version]").dataset.version === before ? wait * 1.5 : 1000;
        follow();
        if (live.querySelector("[data-final]")) return;
      } else {
        wait *= 1.5;
      }
      wait = Math.min(wait, 15000);
    } catch { wait = 15000; }
    timer = setTimeout(refresh, document.hidden ? 15000 : wait);
  };
  timer = setTimeout(refresh, wait);
  document.addEventListener("log-complete", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, 300);
  });
}
