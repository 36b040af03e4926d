(function () {
  "use strict";
  var words = JSON.parse(document.currentScript.dataset.words);
  function all(selector, within) {
    return Array.prototype.slice.call((within || document).querySelectorAll(selector));
  }

  // A table's cells name their column where a narrow screen stacks them.
  all("main table").forEach(function (table) {
    var heads = all("thead tr:last-child th", table), shift = all("thead tr", table).length - 1;
    heads = heads.map(function (head) { return head.textContent.trim(); });
    all("tbody tr, tfoot tr", table).forEach(function (row) {
      Array.prototype.forEach.call(row.cells, function (cell, place) {
        var head = heads[place - shift];
        if (cell.colSpan === 1 && head && cell.tagName === "TD") { cell.dataset.label = head; }
      });
    });
    table.classList.add("stacks");
  });

  // An id is copied by a click on it, or by Enter.
  var told = document.createElement("div");
  told.className = "copied";
  told.setAttribute("role", "status");
  document.body.appendChild(told);
  function copied(text) {
    told.textContent = words.copied + " " + text;
    told.classList.add("shown");
    setTimeout(function () { told.classList.remove("shown"); }, 1600);
  }
  function copy(code) {
    var text = code.textContent;
    function byHand() {
      var range = document.createRange(), chosen = window.getSelection();
      range.selectNodeContents(code);
      chosen.removeAllRanges(); chosen.addRange(range);
      if (document.execCommand("copy")) { copied(text); }
    }
    if (navigator.clipboard) {
      navigator.clipboard.writeText(text).then(function () { copied(text); }, byHand);
    } else { byHand(); }
  }
  all("main code").forEach(function (code) {
    if (code.closest("a, summary, button")) { return; }
    code.tabIndex = 0;
    code.setAttribute("role", "button");
    code.setAttribute("aria-label", code.textContent + ", " + words.copy);
    code.classList.add("copies");
  });
  document.addEventListener("click", function (event) {
    var code = event.target.closest("code.copies");
    if (code && String(window.getSelection()) === "") { copy(code); }
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Enter" && event.target.matches("code.copies")) { copy(event.target); }
  });

  // A section is its heading and what follows until the next one, wherever that is nested.
  var sections = all("main h2[id]").map(function (heading) {
    var parts = [], node = heading;
    while (node && node.tagName !== "MAIN") {
      for (var next = node.nextElementSibling; next; next = next.nextElementSibling) {
        if (next.matches("h2, footer, nav") || next.querySelector("h2")) { break; }
        parts.push(next);
      }
      if (next) { break; }
      node = node.parentElement;
    }
    var button = document.createElement("button");
    button.type = "button";
    button.className = "fold";
    while (heading.firstChild) { button.appendChild(heading.firstChild); }
    heading.appendChild(button);
    var section = { heading: heading, parts: parts, button: button, folded: false };
    button.addEventListener("click", function () { fold(section, !section.folded); });
    parts.forEach(function (part) {
      // The browser's own search finds what is folded, and unfolds it.
      part.addEventListener("beforematch", function () { fold(section, false); });
    });
    return section;
  });
  function fold(section, folded) {
    section.folded = folded;
    section.button.setAttribute("aria-expanded", String(!folded));
    section.parts.forEach(function (part) {
      if (folded) { part.setAttribute("hidden", "until-found"); } else { part.removeAttribute("hidden"); }
    });
    if (!folded) { window.dispatchEvent(new Event("resize")); }
    sayAll();
  }
  var foldAll = document.querySelector("button.fold-all");
  function sayAll() {
    if (foldAll) {
      var open = sections.some(function (section) { return !section.folded; });
      foldAll.textContent = open ? words.fold_all : words.unfold_all;
    }
  }
  if (foldAll) {
    foldAll.hidden = false;
    foldAll.addEventListener("click", function () {
      var open = sections.some(function (section) { return !section.folded; });
      sections.forEach(function (section) { fold(section, open); });
    });
  }
  // On a phone what proves the answers begins folded too.
  var narrowScreen = window.matchMedia("(max-width: 760px)").matches;
  var first = ["incidents", "since", "answers", "new"];
  sections.forEach(function (section) {
    var begins = section.heading.classList.contains("begins-folded");
    fold(section, begins || (narrowScreen && first.indexOf(section.heading.id) < 0));
  });
  function unfoldTo(target) {
    sections.forEach(function (section) {
      var inside = section.heading === target || section.parts.some(function (part) {
        return part.contains(target);
      });
      if (inside) { fold(section, false); }
    });
    var details = target.closest("details");
    if (details) { details.open = true; }
    target.scrollIntoView();
  }
  function follow() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) { unfoldTo(target); }
  }
  window.addEventListener("hashchange", follow);
  follow();
  var before = [];
  window.addEventListener("beforeprint", function () {
    before = sections.filter(function (section) { return section.folded; });
    before.forEach(function (section) { fold(section, false); });
  });
  window.addEventListener("afterprint", function () {
    before.forEach(function (section) { fold(section, true); });
  });

  // One filter narrows the findings, the incidents and the histories.
  var form = document.querySelector("form.filter");
  if (!form) { return; }
  var rows = all("[data-finding]"), incident = "";
  form.hidden = false;
  function textOf(row) {
    var after = row.nextElementSibling;
    var said = after && after.classList.contains("detail") ? after.textContent : "";
    return (row.textContent + " " + said).toLowerCase();
  }
  var texts = rows.map(textOf);
  function narrow() {
    var kind = form.elements.finding.value, from = form.elements.from.value, to = form.elements.to.value;
    var asked = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0, total = 0;
    rows.forEach(function (row, place) {
      var at = row.dataset, of = at.of === undefined ? [] : at.of.split(" ");
      var fits = (!kind || (kind === "news" ? at.news === "new" : at.finding.split(" ").indexOf(kind) >= 0))
        && (!incident || of.indexOf(incident) >= 0 || at.of === undefined)
        && (!from || (at.to && at.to >= from)) && (!to || (at.from && at.from <= to))
        && asked.every(function (word) { return texts[place].indexOf(word) >= 0; });
      row.hidden = !fits;
      var said = row.nextElementSibling;
      if (said && said.classList.contains("detail")) { said.hidden = !fits; }
      if (row.id.indexOf("finding-") === 0) { total += 1; shown += fits ? 1 : 0; }
    });
    form.querySelector("output").textContent = form.querySelector("output").dataset.text
      .replace("{shown}", shown).replace("{total}", total);
  }
  form.addEventListener("input", function () { incident = ""; narrow(); });
  form.addEventListener("reset", function () { incident = ""; setTimeout(narrow); });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  all("a[data-incident]").forEach(function (link) {
    link.addEventListener("click", function () {
      form.reset();
      setTimeout(function () { incident = link.dataset.incident; narrow(); });
    });
  });
  narrow();
})();
