/* Dragging a scheduled campaign to another day of the calendar: the day is written into the form
   behind it, which is sent. Whoever does not drag has “Move” beside each. */
(function () {
  "use strict";
  var dragged = null;

  function day(event) {
    return dragged && event.target.closest ? event.target.closest("[data-day]") : null;
  }

  document.addEventListener("dragstart", function (event) {
    var entry = event.target.closest && event.target.closest("[data-campaign]");
    if (!entry) return;
    dragged = entry;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", entry.dataset.campaign);
  });

  document.addEventListener("dragover", function (event) {
    var over = day(event);
    if (!over) return;
    event.preventDefault();
    document.querySelectorAll("[data-over]").forEach(function (other) { other.removeAttribute("data-over"); });
    over.setAttribute("data-over", "");
  });

  document.addEventListener("drop", function (event) {
    var over = day(event);
    var form = document.getElementById("calendar-drop");
    if (!over || !form) return;
    event.preventDefault();
    var shown = dragged.closest("[data-day]").dataset.day;
    if (shown === over.dataset.day) return;
    form.elements.campaign.value = dragged.dataset.campaign;
    form.elements.revision.value = dragged.dataset.revision;
    form.elements.date.value = over.dataset.day;
    form.elements.shown.value = shown;
    form.requestSubmit();
  });

  document.addEventListener("dragend", function () {
    dragged = null;
    document.querySelectorAll("[data-over]").forEach(function (over) { over.removeAttribute("data-over"); });
  });
})();
