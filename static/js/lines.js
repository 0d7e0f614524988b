/* Line numbers beside texts that are code, and the lines that problems name. The text stays a plain
   textarea: without this script it is one, and a problem says its line in words. */
(() => {
  "use strict";

  const LINKS = "#problems a[data-line]";

  function lineHeight(area) {
    return parseFloat(getComputedStyle(area).lineHeight);
  }

  /* Draws the numbers beside one text, and keeps them beside it. */
  function number(area) {
    const frame = document.createElement("div");
    const gutter = document.createElement("div");
    const strip = document.createElement("div");
    const numbers = document.createElement("pre");
    frame.className = "lines";
    gutter.className = "gutter";
    gutter.setAttribute("aria-hidden", "true");
    strip.append(numbers);
    gutter.append(strip);
    area.before(frame);
    frame.append(gutter, area);
    let drawn = 0;

    const follow = () => {
      strip.style.transform = `translateY(${-area.scrollTop}px)`;
    };
    const count = () => {
      const lines = area.value.split("\n").length;
      if (lines !== drawn) {
        drawn = lines;
        numbers.textContent = Array.from({ length: lines }, (_, at) => at + 1).join("\n");
      }
      follow();
    };
    const mark = () => {
      strip.querySelectorAll("mark").forEach((old) => old.remove());
      const top = parseFloat(getComputedStyle(area).paddingTop);
      for (const link of document.querySelectorAll(LINKS)) {
        const line = Number(link.dataset.line);
        if (link.hash === `#${area.id}` && line <= drawn) {
          const bar = document.createElement("mark");
          bar.textContent = line;
          bar.style.top = `${top + (line - 1) * lineHeight(area)}px`;
          strip.append(bar);
        }
      }
    };
    area.addEventListener("scroll", follow, { passive: true });
    area.addEventListener("input", count);
    count();
    mark();
    return mark;
  }

  /* Selects a line and brings it into the middle of its text. */
  function goTo(area, line) {
    const before = area.value.split("\n").slice(0, line - 1).join("\n");
    const start = line > 1 ? before.length + 1 : 0;
    const end = area.value.indexOf("\n", start);
    area.focus({ preventScroll: true });
    area.setSelectionRange(start, end < 0 ? area.value.length : end);
    area.scrollTop = (line - 1) * lineHeight(area) - area.clientHeight / 2;
    area.scrollLeft = 0;
    area.scrollIntoView({ block: "nearest" });
  }

  const marks = Array.from(document.querySelectorAll("textarea.code"), number);
  const problems = document.getElementById("problems");
  if (problems) {
    new MutationObserver(() => marks.forEach((mark) => mark())).observe(problems, {
      childList: true,
      subtree: true,
    });
    problems.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-line]");
      const area = link && document.querySelector(link.hash);
      if (area) {
        event.preventDefault();
        goTo(area, Number(link.dataset.line));
      }
    });
  }
})();
