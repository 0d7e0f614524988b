/* What a club's own website tells Fairway: that somebody who came by a link of a mail did what the
   campaign is for. First-party: no cookie, nothing of other sites, nothing kept before the visitor
   agreed. Put it on every page:

     <script src="https://fairway.club.example/static/js/fairway-site.js" data-key="site_…"
             data-consent="ask" async></script>

   fairway.consent(true)   keeps the token of the link for data-days days (30); false forgets it
   fairway.report("booking.confirmed", { amount: "45.50" })   a promise: whether it was handed over

   data-consent="given" is for sites that ask before they load it. */
(function (window, document) {
  "use strict";

  var NAME = "fairway.visit";
  var script = document.currentScript;
  if (!script || !script.dataset.key) return;
  var base = script.src.split("/static/js/")[0];
  var lasts = (Number(script.dataset.days) || 30) * 24 * 60 * 60 * 1000;
  var given = script.dataset.consent === "given";
  var token = null;

  // Storage may be forbidden; the page goes on without it.
  function store(act) {
    try { return act(window.localStorage); } catch (error) { return null; }
  }

  function recall() {
    return store(function (storage) {
      var kept = JSON.parse(storage.getItem(NAME) || "null");
      if (!kept || typeof kept.token !== "string" || Date.now() - kept.at > lasts) {
        storage.removeItem(NAME);
        return null;
      }
      return kept.token;
    });
  }

  function keep() {
    if (token) {
      store(function (storage) {
        storage.setItem(NAME, JSON.stringify({ token: token, at: Date.now() }));
      });
    }
  }

  // The token leaves the address, so that it is in no bookmark and goes to no other site.
  function arrive() {
    var url = new URL(window.location.href);
    var found = url.searchParams.get("fw");
    if (!found) return;
    token = found;
    url.searchParams.delete("fw");
    if (window.history && window.history.replaceState) {
      window.history.replaceState(window.history.state, "", url.pathname + url.search + url.hash);
    }
    if (given || recall()) keep();
  }

  function consent(agreed) {
    given = agreed === true;
    if (given) keep();
    else store(function (storage) { storage.removeItem(NAME); });
  }

  function report(event, properties) {
    var known = token || recall();
    if (!known) return Promise.resolve(false);
    var query = new URLSearchParams({ event: event, fw: known, _: String(Date.now()) });
    Object.keys(properties || {}).forEach(function (name) {
      query.set(name, String(properties[name]));
    });
    var address = base + "/t/g/" + encodeURIComponent(script.dataset.key) + ".gif?" + query;
    return window
      .fetch(address, { mode: "cors", credentials: "omit", keepalive: true, referrerPolicy: "no-referrer" })
      .then(function (answer) { return answer.ok; }, function () { return false; });
  }

  arrive();
  window.fairway = { consent: consent, report: report };
})(window, document);
