"use strict";
const $ = id => document.getElementById(id);
const POLL = 1000, PATIENCE = 9000, LOST = 3;
const STEPS = ["wifi", "meter", "target", "save"];
const PROTOCOLS = {p1: "P1", sml: "SML", d0: "D0 (IEC 62056-21)", hdlc: "DLMS (HDLC)", mbus: "DLMS (M-Bus)", dlms: "DLMS", amis: "AMIS"};
/* What is wrong is said in full by the page for these; for others the dongle's own words help to find it. */
const PLAIN = ["", "absent", "password", "security", "name", "silent", "login", "ca", "clock", "memory", "subnet"];
let words = WORDS.en, state = {}, settings = {}, networks = null, step = "", tested = "", watching = false, failures = 0, home = "";

const t = (key, ...parts) => (words[key] || WORDS.en[key] || key).replace(/\{(\d)\}/g, (_, n) => parts[n]);
const wait = ms => new Promise(done => setTimeout(done, ms));
const bytes = text => new TextEncoder().encode(text).length;
const ap = () => "meterbridge-" + (state.id || "").slice(-6);

/* The dongle's interface. What it refuses is thrown with its words; so is silence, as a TypeError or an abort. */
async function ask(path, body) {
  for (let tries = 0; ; tries++) {
    try {
      return await once(path, body);
    } catch (error) {
      if (error.status !== 503 || tries === 6) throw error;  // it has no memory at this moment
    }
    await wait(2 * POLL);
  }
}
async function once(path, body) {
  const stop = new AbortController(), timer = setTimeout(() => stop.abort(), PATIENCE);
  try {
    const more = body === undefined ? {} : {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)};
    const answer = await fetch("/portal/" + path, {cache: "no-store", signal: stop.signal, ...more});
    const found = await answer.json().catch(() => ({}));
    reached();
    if (!answer.ok) throw Object.assign(new Error(found.error), {status: answer.status === 401 ? 0 : answer.status, field: found.field});  // 401: its station is in a network with these addresses for the moment
    return found;
  } catch (error) {
    if (!error.status && ++failures >= LOST && step !== "closed") note($("lost"), t("lost", ap()), "");
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
function reached() { failures = 0; $("lost").hidden = true; }
function note(box, text) { box.textContent = text; box.hidden = !text; }
function say(box, kind, text, more) {
  box.className = box.className.split(" ")[0] + (kind ? " " + kind : "");
  box.replaceChildren();
  if (text) box.append(text);
  if (more) box.append(Object.assign(document.createElement("small"), {textContent: more, lang: /^[ -~]*$/.test(more) ? "en" : ""}));
}

/* Language */
function translate(code) {
  words = WORDS[code];
  document.documentElement.lang = $("language").value = code;
  for (const one of document.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const eye of document.querySelectorAll(".eye")) eye.textContent = t($(eye.getAttribute("aria-controls")).type === "password" ? "show" : "hide");
  for (const [id, name] of [["password", "wifi_password"], ["mqtt_password", "mqtt_password"], ["http_token", "http_token"], ["key", "meter_key"], ["auth", "meter_auth_key"]])
    $(id).placeholder = settings[name] === "set" && (id !== "password" || !ssid() || ssid() === settings.wifi_ssid) ? t("kept") : "";
  document.title = t("title");
  for (const box of document.querySelectorAll(".result, .error")) if (box.id !== "r-done" && box.id !== "r-meter") { say(box); }
  if (networks) list();
  digits("key"); digits("auth"); summary(); fill();
}
function language() {
  let kept = "";
  try { kept = sessionStorage.getItem("language"); } catch (_) { /* some phones' sign-in windows keep nothing */ }
  return [kept, ...navigator.languages].map(one => (one || "").slice(0, 2)).find(one => WORDS[one]) || "en";
}

/* Steps */
function show(name) {
  step = name;
  for (const one of document.querySelectorAll("main > form, main > section")) one.hidden = one.id !== "s-" + name;
  const at = STEPS.indexOf(name);
  $("steps").hidden = at < 0;
  [...$("steps").children].forEach((one, n) => one.classList.toggle("past", n <= at));
  summary(); fill();
  scrollTo(0, 0);
  document.querySelector("#s-" + name + " h2").focus({preventScroll: true});
}
function go(by) { show(STEPS[STEPS.indexOf(step) + by]); }

/* Wi-Fi */
const chosen = () => document.querySelector("[name=net]:checked");
const ssid = () => { const one = chosen(); return !one || one.value === "" ? $("ssid").value : networks[one.value][0]; };
const open = () => { const one = chosen(); return one && one.value !== "" && !networks[one.value][2]; };
function drawn(kind, parts) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", kind);
  svg.setAttribute("viewBox", kind === "bars" ? "0 0 24 20" : "0 0 16 18");
  svg.setAttribute("aria-hidden", "true");
  for (const [d, on] of parts) {
    const path = document.createElementNS(svg.namespaceURI, "path");
    path.setAttribute("d", d);
    if (on) path.setAttribute("class", "on");
    svg.append(path);
  }
  return svg;
}
function list() {
  const before = chosen() ? ssid() : settings.wifi_ssid, box = $("networks"), other = chosen() && chosen().value === "";
  box.replaceChildren();
  [...networks, null].forEach((one, n) => {
    const row = document.createElement("label"), radio = document.createElement("input"), text = document.createElement("span");
    row.className = "choice";
    Object.assign(radio, {type: "radio", name: "net", value: one ? n : "", onchange: pick});
    text.textContent = one ? one[0] : t("other");
    row.append(radio, text);
    if (one) {
      const bars = one[1] > -60 ? 4 : one[1] > -70 ? 3 : one[1] > -80 ? 2 : 1;
      if (one[2]) row.append(drawn("lock", [["M3 8V5a5 5 0 0 1 10 0v3h1a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H2a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1zm2 0h6V5a3 3 0 0 0-6 0z"]]));
      row.append(drawn("bars", [0, 1, 2, 3].map(i => [`M${i * 6} 20v-${5 * i + 5}h4v${5 * i + 5}z`, i < bars])));
      row.append(Object.assign(document.createElement("span"), {className: "off", textContent: `${t(one[2] ? "locked" : "open")}, ${t("signal", bars)}`}));
    }
    radio.checked = one ? one[0] === before && !other : other || !networks.length;
    box.append(row);
  });
  if (!chosen() && before && step === "wifi") { box.lastChild.querySelector("input").checked = true; $("ssid").value = before; }
  pick();
}
function pick() {
  const one = chosen();
  $("f-name").hidden = !one || one.value !== "";
  $("f-password").hidden = !one || !!open();
  $("password").placeholder = settings.wifi_password === "set" && ssid() === settings.wifi_ssid ? t("kept") : "";
  $("r-wifi").replaceChildren();
}
async function scan() {
  $("again").disabled = true;
  $("scanning").className = "busy";
  $("scanning").textContent = t("searching");
  for (let tries = 0; tries < 5; tries++) {
    try {
      networks = (await ask("scan")).networks;
      break;
    } catch (_) {
      await wait(POLL);
    }
  }
  networks = networks || [];
  $("scanning").className = "";
  $("scanning").textContent = networks.length ? "" : t("none");
  $("again").disabled = false;
  list();
}

/* Fields */
function wrong(field, text) {
  const box = $("e-" + field), input = box && document.querySelector(`[aria-describedby~="e-${field}"]`);
  if (!box) return false;
  box.textContent = text;
  input.setAttribute("aria-invalid", !!text);
  if (text) input.focus();
  return true;
}
function right() { for (const box of document.querySelectorAll(".error")) wrong(box.id.slice(2), ""); }
function hex(id) { return $(id).value.toLowerCase().replace(/0x/g, "").replace(/[\s:;,\u2013-]/g, ""); }
function digits(id) {
  const text = hex(id), bad = text.match(/[^0-9a-f]/u), field = id === "key" ? "meter_key" : "meter_auth_key";
  $("h-" + id).textContent = text ? (text.length === 32 && !bad ? t("key_full") : t("key_count", text.length)) : "";
  const problem = bad ? t("key_bad", bad[0]) : text.length > 32 ? t("key_short", text.length) : "";
  $("e-" + field).textContent = problem;
  $(id).setAttribute("aria-invalid", !!problem);
}
const to = () => document.querySelector("[name=to]:checked").value;
function broker() {
  let text = $("host").value.trim(), port = $("port").value.trim(), found = text.match(/^(mqtts?):\/\//i);
  if (found) { $("mqtts").checked = found[1].toLowerCase() === "mqtts"; text = text.slice(found[0].length).replace(/\/.*$/, ""); }
  found = text.match(/^([^:]+|\[.*\]):(\d+)$/);
  if (found) { [, text, port] = found; }
  if ((text.match(/:/g) || []).length > 1 && text[0] !== "[") text = `[${text}]`;
  $("host").value = text; $("port").value = port;
  return text ? `${$("mqtts").checked ? "mqtts" : "mqtt"}://${text}${port ? ":" + port : ""}` : "";
}
const kept = (id, name) => $(id).value || (settings[name] === "set" ? "set" : null);
function given() {
  const values = {wifi_ssid: ssid()}, key = hex("key"), auth = hex("auth"), where = to();
  if (open()) values.wifi_password = null;
  else values.wifi_password = $("password").value || (settings.wifi_password === "set" && ssid() === settings.wifi_ssid ? "set" : null);
  if (key) values.meter_key = key;
  if (auth) values.meter_auth_key = auth;
  if (where === "mqtt") Object.assign(values, {mqtt_url: broker(), mqtt_user: $("user").value, mqtt_password: kept("mqtt_password", "mqtt_password"),
    mqtt_discovery: $("discovery").checked, mqtt_tls_verify: !$("unchecked").checked});
  if (where === "http") Object.assign(values, {http_url: $("url").value.trim(), http_token: kept("http_token", "http_token"), http_tls_verify: !$("unchecked").checked});
  return values;
}
function check(name) {
  const values = given();
  right();
  if (name === "wifi") {
    const size = bytes($("password").value);
    if (!values.wifi_ssid || bytes(values.wifi_ssid) > 32) return !wrong("wifi_ssid", t("e_wifi_ssid"));
    if (!open() && !(values.wifi_password === "set" && !size) && (size || (chosen() && chosen().value !== "")) && (size < 8 || size > 63)) return !wrong("wifi_password", t("e_wifi_password"));
  }
  if (name === "meter") for (const [id, field] of [["key", "meter_key"], ["auth", "meter_auth_key"]]) {
    const text = hex(id);
    if (text && !/^[0-9a-f]{32}$/.test(text)) { $("d-key").open = true; return !wrong(field, /[^0-9a-f]/.test(text) ? t("key_bad", text.match(/[^0-9a-f]/u)[0]) : t("key_short", text.length)); }
  }
  if (name === "target" && to() === "mqtt") {
    const port = $("port").value;
    if (!values.mqtt_url || /\s/.test(values.mqtt_url) || port && !(/^\d+$/.test(port) && +port > 0 && +port < 65536)) return !wrong("mqtt_url", t("e_mqtt_url"));
  }
  if (name === "target" && to() === "http" && !/^https?:\/\/[^\s/]/i.test(values.http_url)) return !wrong("http_url", t("e_http_url"));
  return true;
}
function refused(error, box) {
  if (error.field && $("e-" + error.field)) {
    const owner = $("e-" + error.field).closest("form");
    show(owner.id.slice(2));
    if (owner.id === "s-meter") $("d-key").open = true;
    wrong(error.field, words["e_" + error.field] ? t("e_" + error.field) : t("e_other") + " " + error.message);
    say(box);
  } else say(box, "bad", error.status === 409 ? t("e_busy") : error.pem ? t("e_pem") : t("e_other"), error.message);
}

/* Tests */
const targetName = () => to() === "http" ? $("url").value.trim().replace(/^https?:\/\//i, "").split("/")[0] : broker().replace(/^.*\/\//, "");
function verdict(trial) {
  const wifi = trial.stage === "wifi" || trial.code === "subnet" || trial.code === "memory";
  if (!trial.code) return trial.stage === "wifi" ? t("good_wifi", ssid(), trial.address) : t("good_target", targetName());
  return words[(wifi ? "w_" : "t_") + trial.code] ? t((wifi ? "w_" : "t_") + trial.code, wifi ? ssid() : targetName()) : t("t_other", wifi ? ssid() : targetName());
}
async function certificate(values) {
  const where = to(), text = $("pem").value.trim();
  if (where === "later" || !text || $("g-tls").hidden) return;
  try {
    values[where + "_ca"] = (await ask("certificate", {for: where, pem: text + "\n"})).file;
  } catch (error) {
    throw Object.assign(error, {pem: error.status === 400});
  }
}
async function test(what, box) {
  const buttons = document.querySelectorAll(`#s-${step} button`);
  for (const one of buttons) one.disabled = true;
  try {
    const values = given();
    say(box, "busy", t("testing_wifi", ssid()));
    await certificate(values);
    await ask("test", {what, ...values});
    for (;;) {
      await wait(POLL);
      try { state = {...state, ...await ask("state")}; } catch (error) { if (error.status) throw error; continue; }
      const trial = state.trial;
      if (!trial) throw Object.assign(new Error(""), {status: 409});
      if (trial.over) {
        say(box, trial.code ? "bad" : "good", verdict(trial), PLAIN.includes(trial.code) || trial.code === "refused" && trial.stage !== "wifi" ? "" : trial.detail);
        if (!trial.code && trial.address) home = trial.address;
        return !trial.code;
      }
      say(box, "busy", trial.stage === "wifi" ? t("testing_wifi", ssid()) : t("testing_target", targetName()));
    }
  } catch (error) {
    refused(error, box);
    return false;
  } finally {
    for (const one of buttons) one.disabled = false;
  }
}
async function save() {
  const values = given(), box = $("r-save");
  say(box, "busy", t("saving"));
  try {
    await certificate(values);
    const boot = state.boot;
    try { await ask("save", values); } catch (error) { if (error.status) throw error; }  // silence: it may be starting already
    state.boot = boot;
    show("wait");
    watch(true);
  } catch (error) {
    refused(error, box);
  }
}

/* What it does */
function address() { return (home ? `http://${home}/  ` : "") + `http://${state.host || ap()}.local/`; }
function pairs(box, rows) {
  box.replaceChildren();
  for (const [name, value] of rows) box.append(Object.assign(document.createElement("dt"), {textContent: name}), Object.assign(document.createElement("dd"), typeof value === "string" ? {textContent: value} : {}));
  rows.forEach(([, value], n) => { if (typeof value !== "string") box.querySelectorAll("dd")[n].append(...value); });
}
function link(url) { return Object.assign(document.createElement("a"), {href: url, textContent: url}); }
function number(value, unit, divide) { return (value / divide).toLocaleString(document.documentElement.lang, {maximumFractionDigits: divide > 1 ? 3 : 0}) + " " + unit; }
function meterRows() {
  const one = state.reading, rows = [];
  if (!one) return rows;
  for (const [name, key, unit, divide] of [["power_in", "power_import_w", "W", 1], ["power_out", "power_export_w", "W", 1], ["energy_in", "energy_import_wh", "kWh", 1000], ["energy_out", "energy_export_wh", "kWh", 1000]])
    if (typeof one[key] === "number" && (one[key] || !/export/.test(key))) rows.push([t(name), number(one[key], unit, divide)]);
  return rows;
}
function summary() {
  if (step !== "save") return;
  const where = to();
  pairs($("summary"), [[t("wifi"), ssid() || "–"], [t("meter"), state.reading ? protocol() || t("count") + ": " + state.readings : t("nothing")], [t("target"), where === "later" ? t("later") : where === "mqtt" ? "MQTT " + targetName() : $("url").value.trim()]]);
}
const protocol = () => PROTOCOLS[state.protocol] || state.protocol || "";
function fill() {
  $("who").textContent = ap();
  note($("safe"), state.safe ? t("safe_mode", state.safe) : "");
  $("d-pin").hidden = !state.light;
  $("lead").textContent = t("lead", ap(), address());
  $("bye").textContent = t("bye", address());
  if (step === "meter") {
    if (state.reading) say($("r-meter"), "good", t("meter_found", protocol()), meterRows().slice(0, 2).map(row => row.join(": ")).join(" · "));
    else say($("r-meter"), "", t("meter_none"), (state.meter || {}).advice);
  }
  if (step === "done") done();
}
function done() {
  const sinks = Object.entries(state.sinks || {}), bad = !state.address && state.problem;
  const all = state.address && state.reading && sinks.every(([, one]) => one.state === "connected" || one.acknowledged !== null);
  $("done-title").textContent = t(bad ? "done_bad" : all ? "done_good" : "done_wait");
  if (bad) say($("r-done"), "bad", t("no_join", state.ssid), state.problem);
  else if (!state.address) say($("r-done"), "busy", t("joining"));
  else if (!state.reading) say($("r-done"), "", t("meter_none"), (state.meter || {}).advice);
  else say($("r-done"), "good", t("meter_found", protocol()));
  const rows = [];
  if (state.address) rows.push([t("address"), [link(`http://${state.address}/`), document.createElement("br"), link(`http://${state.host}.local/`)]]);
  rows.push([t("count"), state.readings ? String(state.readings) : t("nothing")], ...meterRows());
  for (const [name, one] of sinks) rows.push([`${t("at")}: ${name.toUpperCase()}`, one.state === "connected" ? t("connected") : t("waiting") + (one.last_error ? ": " + one.last_error : "")]);
  pairs($("seen"), rows);
}
/* Asks again and again: after a restart until the dongle is back. */
async function watch(restarting) {
  const boot = state.boot;
  if (watching) return;
  watching = true;
  for (;;) {
    if (step === "closed") break;
    try {
      const found = await ask("state");
      if (!restarting || found.boot !== boot || found.after) {
        state = found;
        if (!state.reading && (step === "meter" || step === "done")) state.meter = (await ask("status").catch(() => ({}))).meter;
        if (state.address) home = state.address;
        if (step === "wait") { restarting = false; settings = await ask("settings"); for (const id of ["password", "mqtt_password", "http_token", "key", "auth"]) $(id).value = ""; show("done"); }
        fill();
      }
    } catch (_) { /* lost for the moment: `ask` says so */ }
    await wait(step === "meter" || step === "done" || step === "wait" ? 2 * POLL : 4 * POLL);
  }
}

function wire() {
  for (const code of Object.keys(WORDS)) $("language").append(new Option(WORDS[code].name_of, code));
  $("language").onchange = () => { try { sessionStorage.setItem("language", $("language").value); } catch (_) { /* see above */ } translate($("language").value); };
  for (const eye of document.querySelectorAll(".eye")) eye.onclick = () => {
    const input = $(eye.getAttribute("aria-controls")), shown = input.type === "password";
    input.type = shown ? "text" : "password";
    eye.textContent = t(shown ? "hide" : "show");
    eye.setAttribute("aria-pressed", shown);
  };
  for (const back of document.querySelectorAll(".back")) back.onclick = () => go(-1);
  for (const name of ["wifi", "meter", "target"]) $("s-" + name).onsubmit = event => { event.preventDefault(); if (check(name)) go(1); };
  $("again").onclick = scan;
  $("test-wifi").onclick = () => check("wifi") && test("wifi", $("r-wifi"));
  $("test-target").onclick = () => check("target") && test(to(), $("r-target"));
  for (const id of ["key", "auth"]) $(id).oninput = () => digits(id);
  const targets = () => {
    const where = to();
    $("g-mqtt").hidden = where !== "mqtt"; $("g-http").hidden = where !== "http"; $("test-target").hidden = where === "later";
    $("g-tls").hidden = !(where === "mqtt" ? $("mqtts").checked : where === "http" && /^https:/i.test($("url").value.trim()));
    $("port").placeholder = $("mqtts").checked ? "8883" : "1883";
    say($("r-target"));
  };
  $("s-target").oninput = targets;
  $("s-save").onsubmit = async event => {
    event.preventDefault();
    $("anyway").hidden = true;
    const well = await test(to() === "later" ? "wifi" : to(), $("r-save"));
    if (well) save(); else $("anyway").hidden = step !== "save";
  };
  $("anyway").onclick = save;
  $("send-pin").onclick = async () => {
    const pin = $("pin").value, box = $("r-pin");
    if (!/^\d{4}$/.test(pin)) return say(box, "bad", t("pin_bad"));
    $("pin").value = "";
    try {
      let found = await ask("pin", {pin});
      while (found.pin && found.pin.phase) {
        say(box, "busy", t("pin_way"), found.pin.phase);
        await wait(POLL);
        found = await ask("pin", {});
      }
      if (found.pin && found.pin.state === "entered") say(box, "good", t("pin_good"), found.pin.result);
      else say(box, "", found.unlock || (found.pin || {}).result || "", found.unlock && found.pin ? found.pin.reason : "");
    } catch (error) { refused(error, box); }
  };
  $("token").onclick = async () => {
    try {
      const text = (await ask("token", {})).token;
      $("token-shown").textContent = text;
      $("token-shown").hidden = $("copy").hidden = false;
      $("token").hidden = true;
      $("copied").textContent = t("token_note");
    } catch (error) { $("copied").textContent = error.message; }
  };
  $("copy").onclick = async () => {
    const range = document.createRange();
    range.selectNodeContents($("token-shown"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    $("copied").textContent = t(document.execCommand("copy") ? "copied" : "no_copy") + " " + t("token_note");
  };
  $("change").onclick = () => { show("wifi"); if (!networks) scan(); };
  $("close").onclick = async () => { try { await ask("close", {}); } catch (_) { /* it closes anyway */ } reached(); show("closed"); };
  return targets;
}
async function start() {
  const targets = wire();
  translate(language());
  for (;;) {
    try { state = await ask("state"); settings = await ask("settings"); break; } catch (_) { await wait(POLL); }
  }
  const url = (settings.mqtt_url || "").match(/^(mqtts?):\/\/(\[.*\]|[^:/]*)(?::(\d+))?/);
  if (url) { $("host").value = url[2]; $("port").value = url[3] || ""; $("mqtts").checked = url[1] === "mqtts"; }
  $("user").value = settings.mqtt_user || "";
  $("discovery").checked = settings.mqtt_discovery !== false;
  $("url").value = settings.http_url || "";
  document.querySelector(`[name=to][value=${settings.mqtt_url ? "mqtt" : settings.http_url ? "http" : "later"}]`).checked = true;
  $("unchecked").checked = settings[to() + "_tls_verify"] === false;
  $("d-key").open = settings.meter_key === "set";
  targets();
  show(state.after ? "done" : "wifi");
  translate($("language").value);
  if (!state.after) await scan();
  watch(false);
}
start();
