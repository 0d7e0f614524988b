// Fairway's JSON API from JavaScript, in the browser and in Node 18 or later. No dependencies.
//
//   import { createCampaign, setCampaignContent, scheduleCampaign } from "./fairway-client.js";
//
// Address and key come from `connect({ baseUrl, apiKey })`, which returns the calls bound to them;
// or else from FAIRWAY_BASE_URL and FAIRWAY_API_KEY in Node's environment, or the page's own origin.

/** An answer that is not a success: RFC 9457's fields, and `errors` for input. */
export class FairwayError extends Error {
  constructor(status, problem) {
    const fields = (problem.errors ?? []).map(({ field, message }) => (field ? `${field}: ${message}` : message));
    super([problem.detail ?? problem.title ?? `HTTP ${status}`, ...fields].join(" "));
    this.name = "FairwayError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.errors = problem.errors ?? [];
    this.problem = problem;
  }
}

const environment = () => globalThis.process?.env ?? {};

/** Where the calls go when nobody connected: asked at each call, so the order of imports is free. */
function defaults() {
  return {
    baseUrl: environment().FAIRWAY_BASE_URL ?? globalThis.location?.origin,
    apiKey: environment().FAIRWAY_API_KEY,
  };
}

/** A key that makes a POST safe to repeat. */
function idempotencyKey() {
  return globalThis.crypto.randomUUID();
}

/** POSTs that failed on the way are repeated: the key makes the second one harmless. */
const TRIES = 3;

async function request(target, method, path, body, options = {}) {
  const { baseUrl, apiKey } = { ...defaults(), ...target };
  if (!baseUrl) throw new TypeError("Fairway's address is not known: connect({ baseUrl, apiKey }) or set FAIRWAY_BASE_URL.");
  const headers = { Accept: "application/json", ...options.headers };
  if (apiKey) headers.Authorization = `Bearer ${apiKey}`;
  let sent = body;
  if (body !== undefined && !headers["Content-Type"]) {
    headers["Content-Type"] = "application/json";
    sent = JSON.stringify(body);
  }
  if (method === "POST") headers["Idempotency-Key"] ??= options.idempotencyKey ?? idempotencyKey();
  const url = `${baseUrl.replace(/\/+$/, "")}/api/v1${path}`;
  let answer;
  for (let attempt = 1; ; attempt++) {
    try {
      answer = await fetch(url, { method, headers, body: sent });
      break;
    } catch (error) {
      if (attempt === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250 * attempt));
    }
  }
  const text = await answer.text();
  const isJson = (answer.headers.get("content-type") ?? "").includes("json");
  const value = text && isJson ? JSON.parse(text) : text;
  if (!answer.ok) throw new FairwayError(answer.status, isJson ? value : { detail: text });
  return answer.status === 204 ? undefined : value;
}

const part = (id) => encodeURIComponent(String(id));

function query(parameters) {
  const pairs = Object.entries(parameters ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

/** Every call, given where to send it. */
const calls = {
  /** `{name, type, segmentId, channels, scheduledAt?, timezone?, …}` → the campaign, a draft. */
  createCampaign: (to, campaign, options) => request(to, "POST", "/campaigns", campaign, options),
  listCampaigns: (to, filter) => request(to, "GET", `/campaigns${query(filter)}`),
  getCampaign: (to, id) => request(to, "GET", `/campaigns/${part(id)}`),
  updateCampaign: (to, id, changes) => request(to, "PATCH", `/campaigns/${part(id)}`, changes),
  deleteCampaign: (to, id) => request(to, "DELETE", `/campaigns/${part(id)}`),
  /** `{email: {templateId}, sms: {templateId}, social: {content, mediaUrls, platforms}}` → the campaign. */
  setCampaignContent: (to, id, content) => request(to, "PUT", `/campaigns/${part(id)}/content`, content),
  scheduleCampaign: (to, id, options) => request(to, "POST", `/campaigns/${part(id)}/schedule`, undefined, options),
  pauseCampaign: (to, id, options) => request(to, "POST", `/campaigns/${part(id)}/pause`, undefined, options),
  resumeCampaign: (to, id, options) => request(to, "POST", `/campaigns/${part(id)}/resume`, undefined, options),
  cancelCampaign: (to, id, options) => request(to, "POST", `/campaigns/${part(id)}/cancel`, undefined, options),
  /** By hand, before its time: `chooseWinner(id, "B")`. */
  chooseWinner: (to, id, variant, options) => request(to, "POST", `/campaigns/${part(id)}/winner`, { variant }, options),
  /** The steps of a journey, and where people are. */
  getJourney: (to, id) => request(to, "GET", `/campaigns/${part(id)}/journey`),
  putJourney: (to, id, journey) => request(to, "PUT", `/campaigns/${part(id)}/journey`, journey),
  /** `{contact}` or `{segmentId}`. */
  putPeopleIn: (to, id, people, options) => request(to, "POST", `/campaigns/${part(id)}/journey/people`, people, options),
  /** `{inside: "FINISH"}` or `{inside: "MOVE", steps: {gone: "next"}}`. */
  publishJourney: (to, id, how, options) => request(to, "POST", `/campaigns/${part(id)}/journey/publish`, how, options),
  getCampaignStats: (to, id) => request(to, "GET", `/campaigns/${part(id)}/stats`),
  listDeliveries: (to, id, filter) => request(to, "GET", `/campaigns/${part(id)}/deliveries${query(filter)}`),
  listOccurrences: (to, id, filter) => request(to, "GET", `/campaigns/${part(id)}/occurrences${query(filter)}`),
  /** `originalAt` as the list answers it; `{skip, at, subject, templateId}`. */
  editOccurrence: (to, id, originalAt, changes) =>
    request(to, "PATCH", `/campaigns/${part(id)}/occurrences/${part(originalAt)}`, changes),
  putContact: (to, key, contact) => request(to, "PUT", `/contacts/${part(key)}`, contact),
  getContact: (to, key) => request(to, "GET", `/contacts/${part(key)}`),
  deleteContact: (to, key) => request(to, "DELETE", `/contacts/${part(key)}`),
  /** CSV text, or an array of contacts → `{created, updated, refused, report}`. */
  importContacts: (to, contacts, options = {}) =>
    Array.isArray(contacts)
      ? request(to, "POST", "/contacts/import", contacts.map((contact) => JSON.stringify(contact)).join("\n"), {
          ...options,
          headers: { ...options.headers, "Content-Type": "application/x-ndjson" },
        })
      : request(to, "POST", "/contacts/import", contacts, {
          ...options,
          headers: { ...options.headers, "Content-Type": "text/csv" },
        }),
  putSegment: (to, key, segment) => request(to, "PUT", `/segments/${part(key)}`, segment),
  getSegment: (to, key) => request(to, "GET", `/segments/${part(key)}`),
  countSegment: (to, key) => request(to, "GET", `/segments/${part(key)}/count`),
  putTemplate: (to, key, template) => request(to, "PUT", `/templates/${part(key)}`, template),
  getTemplate: (to, key) => request(to, "GET", `/templates/${part(key)}`),
  listCaptured: (to, filter) => request(to, "GET", `/captured${query(filter)}`),
  getSettings: (to) => request(to, "GET", "/settings"),
  putSettings: (to, settings) => request(to, "PUT", "/settings", settings),
  /** One event, or an array of them: `{name, contact, properties, occurredAt, id}`. */
  sendEvents: (to, events, options) => request(to, "POST", "/events", events, options),
};

/** The calls bound to an instance: `const club = connect({baseUrl, apiKey}); await club.createCampaign(…)`. */
export function connect({ baseUrl, apiKey } = {}) {
  const target = Object.fromEntries(Object.entries({ baseUrl, apiKey }).filter(([, value]) => value !== undefined));
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [name, (...given) => call(target, ...given)]),
  );
}

export const {
  createCampaign, listCampaigns, getCampaign, updateCampaign, deleteCampaign, setCampaignContent,
  scheduleCampaign, pauseCampaign, resumeCampaign, cancelCampaign, chooseWinner, getJourney, putJourney,
  putPeopleIn, publishJourney, getCampaignStats, listDeliveries,
  listOccurrences, editOccurrence, putContact, getContact, deleteContact, importContacts, putSegment, getSegment,
  countSegment, putTemplate, getTemplate, listCaptured, getSettings, putSettings, sendEvents,
} = connect();
