// The page shows the server's status and hands in commands; it keeps no state
// of its own but what was typed. Text from songs and cameras is only ever set as
// text, never as markup.

const EXPRESSIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
const SONG_MOODS = ["happy", "energetic", "romantic", "calm", "sad", "intense"];
const GOALS = {
  match: "plays what fits the mood",
  lift: "starts where you are and leads towards happier songs",
  calm: "starts where you are and leads towards calmer songs",
  hold: "leaves the music as it is, whatever the camera sees",
};
const CAMERA = {
  off: "It is off.",
  "needs consent": "It is off until you agree once.",
  starting: "It is starting.",
  watching: "It looks at the room now and then.",
  resting: "It is on, and rests.",
  guests: "It waits, because guests are here.",
  paused: "It is paused.",
  trouble: "It cannot see.",
  none: "There is none here.",
};
const CAMERA_SHORT = {
  off: "Camera off",
  "needs consent": "Camera off",
  starting: "Camera starting",
  watching: "Camera on",
  resting: "Camera resting",
  guests: "Camera waiting",
  paused: "Camera paused",
  trouble: "Camera in trouble",
  none: "No camera",
};
const NO_FACE = {
  nobody: "Nobody is in view.",
  dark: "It is too dark to see.",
  blurred: "The picture is too blurred.",
  busy: "Another program uses the camera.",
  gone: "The camera is not there.",
  stuck: "The camera repeats the same picture.",
};
const POLL = 5000;
const SAME = 5000; // clocks that differ by less show the same time
const PATIENCE = 10000; // an answer that takes longer is not waited for
const SILENCE = 45000; // the server says something every 20 s
const ALL_JUDGED = 500; // of more the server names only the first
const REST = 800; // a choice is one that nobody moves on from for so long

const $ = (id) => document.getElementById(id);
const judged = new Map(); // uri → "loved" or "banned", as far as this page knows
let status = null;
let clockOff = 0; // the server's clock minus this one, in seconds
let heardAt = Date.now(); // when the server last said something
let lost = false; // there is no connection
let refusal = ""; // why the server does not talk to this page
let searched = 0;

// ----------------------------------------------------------------- small tools

function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(options)) {
    if (key === "class") element.className = value;
    else if (key === "tint") element.style.setProperty("--tint", `var(--${value})`);
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}

function setText(id, text) {
  const element = $(id);
  if (element.textContent !== text) element.textContent = text;
}

// Redraw a part only when what it shows has changed: what is drawn anew loses its
// scrolling and what was marked in it, and its focus where nobody carries it over.
const drawn = new Map();
function whenChanged(part, value, draw) {
  const text = JSON.stringify(value);
  if (drawn.get(part) === text) return;
  drawn.set(part, text);
  draw();
}

// Replace a list's rows: what has the focus and what is open stay so, by their key.
function setRows(list, rows) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const open = new Set([...list.querySelectorAll("details[open] > summary")].map((summary) => summary.dataset.key));
  list.replaceChildren(...rows);
  for (const summary of list.querySelectorAll("summary")) summary.parentElement.open = open.has(summary.dataset.key);
  const again = focused && list.querySelector(`[data-key="${CSS.escape(focused.dataset.key)}"]`);
  if (focused) (again ?? list).focus({ preventScroll: true });
}

// What vanishes under the keyboard hands the focus on.
function show(element, shown, neighbour) {
  if (!shown && element.contains(document.activeElement)) neighbour.focus({ preventScroll: true });
  element.hidden = !shown;
}

// A button that can do nothing now stays under the keyboard, and says why.
function refuse(button, why) {
  button.setAttribute("aria-disabled", String(why !== ""));
  button.dataset.refusal = why;
}

function onPress(id, act) {
  $(id).addEventListener("click", () => ($(id).dataset.refusal ? toast($(id).dataset.refusal) : act()));
}

// What was heard long ago says nothing of now: clocks stand still.
const now = () => (lost || silent() ? heardAt : Date.now()) / 1000 + clockOff;
const silent = () => Date.now() - heardAt > SILENCE;
const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);
const sentence = (words) => capital(words) + (words.endsWith(".") ? "" : ".");
const percent = (share) => `${Math.round(share * 100)} %`;
const song = (it) => [it.artist, it.title].filter(Boolean).join(" – ") || it.uri;

function clock(seconds) {
  return new Date((seconds - clockOff) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function span(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} minute${minutes === 1 ? "" : "s"}`;
  const hours = Math.floor(minutes / 60);
  return `${hours} h ${minutes % 60} min`;
}

let toastTimer = 0;
function toast(text) {
  $("toast").textContent = text;
  $("toast").classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => $("toast").classList.remove("shown"), 5000);
}

// --------------------------------------------------------------- to the server

let typed = null; // the token, for a browser that keeps nothing for pages

// Asked for each time: it may have been typed into another tab.
function token() {
  try {
    return localStorage.getItem("moodcam-token") ?? typed;
  } catch {
    return typed;
  }
}

function remember(given) {
  typed = given;
  try {
    localStorage.setItem("moodcam-token", given);
  } catch {
    // It is known until the page is closed.
  }
}

function headers() {
  const known = token();
  return {
    "Content-Type": "application/json",
    ...(known ? { Authorization: `Bearer ${known}` } : {}),
  };
}

async function send(name, body, said) {
  const given = headers();
  let answer;
  try {
    answer = await fetch(`api/${name}`, { method: "POST", headers: given, body: JSON.stringify(body), signal: AbortSignal.timeout?.(PATIENCE) });
  } catch (error) {
    toast(error.name === "TimeoutError" ? "The server takes too long to answer; it may still do this." : "The server does not answer.");
    return false;
  }
  if (answer.status === 401) {
    if (await askToken("Authorization" in given)) return send(name, body, said);
    toast("Nothing was changed, as this server asks for its token (moodcam/token).");
    return false;
  }
  if (!answer.ok) {
    const { error } = await answer.json().catch(() => ({ error: "This did not work." }));
    toast(error);
    return false;
  }
  if (said) toast(said);
  return true;
}

// An answer that lay about while the phone slept says nothing of the clocks.
function setClock(date, asked) {
  const came = Date.now();
  if (!date || Math.abs(came - asked) > SAME) return;
  clockOff = Math.abs(date - came) < SAME ? 0 : (date - came) / 1000;
}

async function fetchJson(path) {
  const asked = Date.now();
  const answer = await fetch(path, { signal: AbortSignal.timeout?.(PATIENCE) });
  setClock(Date.parse(answer.headers.get("Date") ?? ""), asked);
  const value = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(value.error), { refused: true });
  return value;
}

function askToken(wasWrong) {
  const dialog = $("ask-token");
  $("token").value = "";
  $("token-wrong").hidden = !wasWrong;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener(
      "close",
      () => {
        const given = dialog.returnValue === "yes" && $("token").value.trim();
        if (given) remember(given);
        done(Boolean(given));
      },
      { once: true },
    );
  });
}

// ------------------------------------------------------------ drawing: the top

function draw() {
  drawNotices();
  if (!status) return;
  drawMood();
  drawMusic();
  drawCamera();
  drawPicks();
  drawHistory();
  drawSongs();
  drawLearnt();
  setText("about", `Mopidy-MoodCam ${status.version}`);
}

function drawNotices() {
  const notices = [refusal, ...(status?.notices ?? [])].filter(Boolean);
  if (status?.dry_run) notices.push("Trial: songs are picked and named, but nothing is queued (moodcam/dry_run).");
  if (status?.quiet) notices.push("Quiet hours: nothing is changed now.");
  whenChanged("notices", notices, () => {
    $("notices").replaceChildren(...notices.map((text) => make("p", { class: "notice" }, capital(text))));
  });
}

// ----------------------------------------------------------- drawing: the mood

function drawMood() {
  const { mood, target } = status;
  const known = mood.label !== "unknown";
  setText("mood-word", known ? mood.label : "Unknown");
  setText("mood-sure", known ? `${percent(mood.confidence)} sure, for ${span(now() - mood.since)}` : "The music stays as it is.");
  setText("mood-why", mood.why ? sentence(mood.why) : "");
  for (const button of document.querySelectorAll("[data-verdict]")) show(button, known, $("really").firstElementChild);
  setText("correct-title", known ? "Is that so?" : "Do you know better?");
  const accent = target ? target.song_mood : "unknown";
  document.documentElement.style.setProperty("--accent", `var(--${accent})`);
  const title = lost ? (refusal ? "Refused" : "No connection") : known && capital(mood.label);
  document.title = title ? `${title} – MoodCam` : "MoodCam";
  $("bars-box").hidden = !seen(status);
  whenChanged("bars", [mood.probabilities, mood.label], () => drawBars(mood));
  whenChanged("plane", [mood.affect, target && target.affect, status.history.length], drawPlane);
}

// Before there was a face, the probabilities are only what the filter starts from.
function seen({ mood, reading, history }) {
  return mood.label !== "unknown" || (reading !== null && (reading.faces.length > 0 || history.length > 0));
}

function drawBars(mood) {
  const best = Math.max(...mood.probabilities);
  const bars = EXPRESSIONS.map((name, i) => {
    const share = mood.probabilities[i];
    const fill = make("i");
    fill.style.background = `var(--${name})`;
    fill.style.transform = `scaleX(${share})`;
    return make(
      "li",
      { class: share === best && mood.label !== "unknown" ? "top-one" : "" },
      make("span", {}, name),
      make("span", { class: "bar", "aria-hidden": "true" }, fill),
      make("span", { class: "percent" }, percent(share)),
    );
  });
  $("bars").replaceChildren(...bars);
}

function place(id, affect) {
  $(id).setAttribute("cx", affect ? affect.valence : 0);
  $(id).setAttribute("cy", affect ? -affect.arousal : 0);
}

function drawPlane() {
  const { mood, target } = status;
  place("plane-point", mood.affect);
  place("plane-halo", mood.affect);
  $("plane-halo").setAttribute("r", 0.14 + 0.3 * (1 - mood.confidence));
  place("plane-target", target && target.affect);
  $("plane-target").toggleAttribute("hidden", !target);
  const trail = status.history.slice(-6).filter((past) => past.label !== "unknown");
  $("plane-trail").setAttribute("points", trail.map((past) => `${past.affect.valence},${-past.affect.arousal}`).join(" "));
  const side = (value, low, high) => (value > 0.15 ? high : value < -0.15 ? low : "neither");
  const { valence, arousal } = mood.affect;
  const words = `pleasant or unpleasant: ${side(valence, "unpleasant", "pleasant")}; awake or quiet: ${side(arousal, "quiet", "awake")}`;
  $("plane").setAttribute("aria-label", `The mood's place, ${words}. The ring is what is played for.`);
}

// ---------------------------------------------------------- drawing: the music

function drawMusic() {
  const { target, override, paused_until: paused } = status;
  let words = "Nothing is chosen yet.";
  if (target) {
    const until = target.until ? ` until ${clock(target.until)}` : "";
    words = override ? `${capital(target.song_mood)} songs, chosen by hand${until}.` : `${capital(target.song_mood)} songs: ${target.why}.`;
  }
  if (paused) words += ` Paused until ${clock(paused)}.`;
  else if (status.hands_off_until) words += ` Hands off until ${clock(status.hands_off_until)}, as you changed the queue.`;
  setText("target-words", words);
  for (const button of $("moods").children) {
    const mine = button.dataset.mood;
    const pressed = override ? target !== null && mine === target.song_mood : mine === "";
    button.setAttribute("aria-pressed", String(pressed));
  }
  setText("pause", paused ? "Go on" : "Pause for an hour");
  const radio = $(`goal-${status.goal}`);
  if (radio && !radio.checked && !goalWaits) radio.checked = true;
  setText("goal-words", `${capital(status.goal)} ${GOALS[status.goal] ?? ""}.`);
}

// --------------------------------------------------------- drawing: the camera

function drawCamera() {
  const { camera, counters } = status;
  $("camera").setAttribute("aria-checked", String(camera.on));
  setText("camera-link", CAMERA_SHORT[stateOf(camera)] ?? "Camera");
  setText("camera-words", cameraWords(camera));
  show($("ask-camera"), camera.state === "needs consent", $("camera-link"));
  show($("guests"), camera.state === "guests", $("camera"));
  setText("seen", counters.frames_seen.toLocaleString());
  setText("stored", counters.frames_stored.toLocaleString());
  setText("sent", counters.frames_sent.toLocaleString());
  whenChanged("aim", [status.reading, camera], drawAim);
}

function stateOf({ source, state }) {
  return source === "none" && state === "resting" ? "none" : state;
}

// That it is switched off is all there is to say of a camera that is off.
function cameraWords(camera) {
  const why = camera.why && camera.state !== "off" ? ` ${sentence(camera.why)}` : "";
  return (CAMERA[stateOf(camera)] ?? capital(camera.state)) + why;
}

// What was seen before all cameras stopped looking is not what is there now; only
// the faces that somebody is asked about stay.
function drawAim() {
  const { camera } = status;
  const looks = camera.looking.length > 0;
  const reading = looks || camera.state === "guests" ? status.reading : null;
  const faces = reading ? reading.faces : [];
  $("faces").replaceChildren(...faces.map(faceBox));
  let words = camera.on ? "No camera looks now." : "The camera is off.";
  if (reading) {
    const count = faces.length === 1 ? "One face" : `${faces.length} faces`;
    words = faces.length ? `${count}, mirrored as in a mirror. Bigger and brighter is better.` : (NO_FACE[reading.reason] ?? "No face is seen.");
    if (reading.room) words = `Room ${reading.room}: ${words}`;
  } else if (stateOf(camera) === "none" && camera.elsewhere && !status.reading) words = "No camera elsewhere has been heard lately.";
  else if (looks || camera.state === "starting") words = "The first look is still to come.";
  setText("faces-words", words);
  $("aim").setAttribute("aria-label", words);
  const light = reading && reading.light !== null ? reading.light : 0;
  $("light").setAttribute("aria-valuenow", Math.round(light * 100));
  $("light-fill").style.transform = `scaleX(${light})`;
  setText("light-words", !reading || reading.light === null ? "–" : light < 0.12 ? "too dark" : light > 0.92 ? "too bright" : light < 0.25 ? "dim" : "good");
}

function faceBox(face) {
  const space = "http://www.w3.org/2000/svg";
  const [left, top, width, height] = face.box;
  const box = document.createElementNS(space, "rect");
  box.setAttribute("class", "face");
  box.setAttribute("x", (1 - left - width) * 160);
  box.setAttribute("y", top * 90);
  box.setAttribute("width", width * 160);
  box.setAttribute("height", height * 90);
  box.setAttribute("rx", 4);
  const best = face.probabilities.indexOf(Math.max(...face.probabilities));
  const words = document.createElementNS(space, "text");
  words.setAttribute("class", "face-words");
  words.setAttribute("x", (1 - left - width) * 160 + 1);
  words.setAttribute("y", Math.max(top * 90 - 2.5, 7));
  words.textContent = EXPRESSIONS[best];
  const group = document.createElementNS(space, "g");
  group.append(box, words);
  return group;
}

// ----------------------------------------------------- drawing: lists of songs

function drawPicks() {
  whenChanged("next", status.next_picks, () => songList($("next"), status.next_picks, "Nothing is picked yet."));
  const { playing_pick: playing, last_picks: last, playback } = status;
  const marked = playing ? [{ ...playing, mark: playback === "paused" ? "Paused" : "Playing now" }] : [];
  const heard = [...marked, ...last].slice(0, 6);
  whenChanged("last", heard, () => songList($("last"), heard, "Nothing was played yet."));
}

function songList(list, songs, nothing) {
  const rows = songs.map(songRow);
  setRows(list, rows.length ? rows : [make("li", { class: "none" }, nothing)]);
}

function songRow(it) {
  return make(
    "li",
    {},
    make("div", {}, it.mark ? make("p", { class: "mark" }, it.mark) : "", make("p", { class: "title" }, it.title || it.uri), make("p", { class: "by" }, it.artist), ...reasons(it)),
    make("div", { class: "verdicts" }, verdictButton(it, "loved", "heart", "Love"), verdictButton(it, "banned", "ban", "Never play")),
  );
}

// The first clause of a reason says most; the rest is there for who asks.
function reasons(it) {
  const found = it.verdict === "banned" ? "is never picked" : it.by_hand ? "put there by hand" : (it.song_mood ?? "has no mood yet");
  const words = it.reason ?? found;
  const [first, ...more] = words.split("; ");
  const line = make("p", { class: "reason", tint: it.song_mood ?? "unknown" }, first);
  if (!more.length) return [line];
  const rest = make("ul", {}, ...more.map((clause) => make("li", {}, clause)));
  return [line, make("details", { class: "why-song" }, make("summary", { "data-key": `why ${it.uri}` }, "Why this song?"), rest)];
}

function verdictButton(it, verdict, symbol, words) {
  const button = make(
    "button",
    {
      type: "button",
      class: `icon ${verdict === "loved" ? "love" : "ban"}`,
      "aria-label": `${words}: ${song(it)}`,
      title: words,
      "data-key": `${verdict} ${it.uri}`,
      "data-uri": it.uri,
      onclick: () => judge(it, judged.get(it.uri) === verdict ? "none" : verdict),
    },
    icon(symbol),
  );
  showVerdict(button);
  return button;
}

function showVerdict(button) {
  const { key, uri } = button.dataset;
  button.setAttribute("aria-pressed", String(key === `${judged.get(uri)} ${uri}`));
}

// The rows stay as they are: a reason that was opened, and the place in the list.
function showVerdicts() {
  document.querySelectorAll("[data-uri]").forEach(showVerdict);
}

async function judge(it, verdict) {
  const said = { loved: "Loved.", banned: "It will not be picked again.", none: "Taken back." }[verdict];
  if (!(await send("feedback", { uri: it.uri, verdict }, said))) return;
  if (verdict === "none") judged.delete(it.uri);
  else judged.set(it.uri, verdict);
  showVerdicts();
}

// ---------------------------- drawing: what was, what there is, what is learnt

function drawHistory() {
  const moods = status.history;
  const minute = Math.floor(now() / 60);
  whenChanged("history", [moods, minute], () => {
    const start = moods.length ? moods[0].since : now();
    const whole = Math.max(now() - start, 1);
    const pieces = moods.map((mood, i) => {
      const end = i + 1 < moods.length ? moods[i + 1].since : now();
      const piece = make("i", { tint: mood.label, title: `${mood.label}, ${clock(mood.since)}` });
      piece.style.flexGrow = Math.max((end - mood.since) / whole, 0);
      return piece;
    });
    $("strip").replaceChildren(...pieces);
    setText("strip-start", moods.length ? clock(start) : "");
    const labels = [...new Set(moods.map((mood) => mood.label))];
    $("legend").replaceChildren(...labels.map((label) => make("li", { tint: label }, label)));
    const rows = [...moods].reverse().slice(0, 30).map((mood) => make("li", {}, make("time", {}, clock(mood.since)), mood.label + (mood.why ? ` (${mood.why})` : "")));
    $("history").replaceChildren(...rows);
  });
}

function drawSongs() {
  const { songs } = status;
  const count = (number) => number.toLocaleString();
  let words = `${count(songs.analysed)} of ${count(songs.tracks)} are analysed.`;
  const others = songs.tracks - songs.analysed - songs.waiting;
  if (songs.waiting) words += ` ${count(songs.waiting)} wait for 'mopidy moodcam scan'.`;
  if (others > 0) words += ` ${count(others)} cannot be heard: 'mopidy moodcam scan' says why, a table may help.`;
  if (songs.why) words += ` ${sentence(songs.why)}`;
  setText("songs-words", words);
  whenChanged("shelf", [songs.by_song_mood, songs.borrowed], () => {
    const most = Math.max(1, ...songs.by_song_mood.map(([, number]) => number));
    setRows($("shelf"), songs.by_song_mood.map(([mood, number]) => shelfRow(mood, number, most)));
  });
}

function shelfRow(mood, number, most) {
  const fill = make("i", { tint: mood });
  fill.style.transform = `scaleX(${number / most})`;
  const count = number.toLocaleString() + (status.songs.borrowed.includes(mood) ? " borrowed" : "");
  return make(
    "li",
    {},
    make(
      "button",
      { type: "button", "data-key": mood, onclick: () => find(`song_mood=${mood}`, `${capital(mood)} songs`) },
      make("span", { class: "name" }, mood),
      make("span", { class: "bar", "aria-hidden": "true" }, fill),
      make("span", { class: "count" }, count, make("span", { class: "unseen" }, " songs: show them")),
    ),
  );
}

function drawLearnt() {
  const { learnt } = status;
  whenChanged("learnt", learnt.corrections, () => {
    const lines = learnt.corrections.length ? learnt.corrections : ["Nothing yet. Three corrections in the same direction shift what it reads."];
    $("corrections").replaceChildren(...lines.map((line) => make("li", {}, line)));
  });
  refuse($("forget-corrections"), learnt.corrections.length ? "" : "There is nothing to forget yet.");
  const left = learnt.baseline_until ? learnt.baseline_until - now() : 0;
  const refused = whyNoBaseline(left);
  const known = learnt.baseline ? "It knows your resting face, as seven numbers. Only the change from it counts." : "Two minutes of your resting face, as seven numbers. Then only the change from it counts.";
  setText("baseline-words", left > 0 ? refused : [known, refused].filter(Boolean).join(" "));
  setText("baseline", learnt.baseline ? "Learn it anew" : "Learn my resting face");
  refuse($("baseline"), refused);
  show($("forget-baseline"), learnt.baseline !== null || left > 0, $("baseline"));
}

// A camera that only rests looks when a face is to be learnt; where there is none,
// those elsewhere are wanted already.
function whyNoBaseline(left) {
  const { camera } = status;
  const soon = camera.state === "starting" || (camera.state === "resting" && !camera.elsewhere);
  if (!camera.looking.length && !soon) return `Nothing can be learnt while the camera does not look. ${cameraWords(camera)}`;
  return left > 0 ? `Learning: sit as you do when nothing happens, for ${Math.ceil(left)} more seconds.` : "";
}

// --------------------------------------------------------------- finding songs

const PAGE = 50;

async function find(query, title) {
  const asked = ++searched;
  const songs = await fetchSongs(query, 0);
  if (!songs || asked !== searched) return; // a later search was quicker
  const list = make("ol", { class: "songs", tabindex: "0", "aria-label": title });
  songList(list, songs, "No song was found.");
  const close = make("button", { type: "button", class: "soft", onclick: closeFound }, "Close");
  const more = make("button", { type: "button", class: "soft", onclick: () => findMore(query, list, more) }, "More");
  more.hidden = songs.length < PAGE;
  $("found").replaceChildren(make("div", { class: "head" }, make("h3", {}, title), close), list, more);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  $("found").scrollIntoView({ block: "nearest", behavior: still ? "instant" : "smooth" });
  tellFound(title, songs.length);
}

function closeFound() {
  $("found").replaceChildren();
  setText("found-words", "");
  $("library-title").focus();
}

function tellFound(title, count) {
  setText("found-words", `${title}: ${count === 1 ? "1 song" : `${count} songs`}`);
}

async function findMore(query, list, more) {
  const songs = await fetchSongs(query, list.childElementCount);
  if (!songs) return;
  list.append(...songs.map(songRow));
  tellFound(list.getAttribute("aria-label"), list.childElementCount);
  if (songs.length === PAGE) return;
  list.focus();
  more.hidden = true;
}

async function fetchSongs(query, offset) {
  try {
    const { songs } = await fetchJson(`api/songs?${query}&limit=${PAGE}&offset=${offset}`);
    for (const it of songs) {
      if (it.verdict === "none") judged.delete(it.uri);
      else judged.set(it.uri, it.verdict);
    }
    showVerdicts();
    return songs;
  } catch (error) {
    toast(error.refused ? error.message : "The server does not answer.");
    return null;
  }
}

// -------------------------------------------------------------------- controls

function build() {
  for (const mood of SONG_MOODS) {
    $("moods").append(
      make("button", { type: "button", class: "mood-button", "data-mood": mood, "aria-pressed": "false", tint: mood }, make("span", { class: "swatch", "aria-hidden": "true" }), capital(mood)),
    );
  }
  for (const goal of Object.keys(GOALS)) {
    const radio = make("input", { type: "radio", name: "goal", id: `goal-${goal}`, value: goal });
    $("goals").append(make("label", { title: GOALS[goal] }, radio, make("span", {}, goal)));
  }
  for (const name of EXPRESSIONS) {
    $("really-choices").append(make("button", { type: "button", class: "soft", onclick: () => correctTo(name) }, name));
  }
}

function listen() {
  $("moods").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) chooseMood(button.dataset.mood);
  });
  $("goals").addEventListener("change", (event) => chooseGoal(event.target.value));
  $("goals").addEventListener("keydown", (event) => { byArrows = event.key.startsWith("Arrow"); });
  $("goals").addEventListener("pointerdown", () => { byArrows = false; });
  $("pause").addEventListener("click", () => send("pause", { seconds: status && status.paused_until ? 0 : 3600 }));
  $("camera").addEventListener("click", switchCamera);
  $("ask-camera-on").addEventListener("click", switchCamera);
  $("guests-yes").addEventListener("click", () => send("guests", { allowed: true }));
  for (const button of document.querySelectorAll("[data-verdict]")) {
    button.addEventListener("click", () => correct(button.dataset.verdict));
  }
  onPress("baseline", () => send("baseline", { forget: false }, "Look towards the camera, for two minutes."));
  $("forget-baseline").addEventListener("click", () => send("baseline", { forget: true }, "Forgotten."));
  onPress("forget-corrections", () => send("corrections", { forget: true }, "Forgotten."));
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const words = $("words").value.trim();
    if (words) find(`q=${encodeURIComponent(words)}`, `Songs with “${words}”`);
  });
}

// Who asks for a mood asks for music: the server ends a pause with it.
function chooseMood(mood) {
  if (!mood) return send("mood", { song_mood: null }, "Automatic again.");
  const seconds = Number($("duration").value) || null;
  const paused = status && status.paused_until;
  const said = paused ? `The pause is over. ${saidOf(mood)}` : saidOf(mood);
  return send("mood", { song_mood: mood, seconds }, said);
}

function saidOf(mood) {
  const name = capital(mood);
  if (!status) return `${name} is chosen.`;
  const { songs, quiet, playback } = status;
  if (songs.why && !songs.by_song_mood.some(([, number]) => number > 0)) return `${name} is chosen. ${sentence(songs.why)}`;
  if (quiet) return `${name} songs when the quiet hours are over.`;
  return playback === "stopped" ? `${name} songs, from now on.` : `${name} songs after this one.`;
}

// The arrow keys pass other goals on the way to the one that is meant.
let byArrows = false;
let goalWaits = 0;
function chooseGoal(goal) {
  clearTimeout(goalWaits);
  const mine = setTimeout(async () => {
    await send("goal", { goal });
    if (goalWaits === mine) goalWaits = 0;
  }, byArrows ? REST : 0);
  goalWaits = mine;
}

function correctTo(expression) {
  $("really").open = false;
  $("really").firstElementChild.focus();
  return correct(expression);
}

function correct(verdict) {
  const said = { right: "Good to know.", concentrating: "Noted: only concentrating." }[verdict] ?? "Noted. Three in the same direction shift what it reads.";
  return send("corrections", { verdict }, said);
}

function switchCamera() {
  if (!status) return;
  if (status.camera.on && status.camera.state !== "needs consent") {
    send("camera", { on: false }, "The camera is off.");
  } else if (status.camera.state === "needs consent") {
    $("consent").returnValue = "no";
    $("consent").showModal();
  } else {
    send("camera", { on: true });
  }
}

$("token-cancel").addEventListener("click", () => $("ask-token").close());
$("consent").addEventListener("close", () => {
  if ($("consent").returnValue === "yes") send("camera", { on: true, consent: true }, "The camera is on.");
});

// -------------------------------------------------------------------- the link

function hear(newest, words) {
  heardAt = Date.now();
  lost = false;
  refusal = "";
  status = newest;
  showLink("live", words);
  draw();
}

function lose(why) {
  lost = true;
  refusal = why;
  showLink("lost", why ? "refused by the server" : `no connection since ${clock(now())}`);
  draw();
}

function showLink(state, words) {
  $("link").className = `link ${state}`;
  document.body.classList.toggle("lost", state === "lost");
  setText("link-words", words);
}

let pause = 1000;
let socket = null;
let socketAt = 0; // when it was opened, or last said something
const live = () => socket?.readyState === WebSocket.OPEN;

function connect() {
  const url = new URL("ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const mine = new WebSocket(url);
  socket = mine;
  socketAt = Date.now();
  mine.addEventListener("message", (event) => {
    if (socket !== mine) return;
    pause = 1000;
    socketAt = Date.now();
    hear(JSON.parse(event.data), "live");
  });
  mine.addEventListener("close", () => {
    if (socket === mine) connectAgain();
  });
}

function connectAgain() {
  socket = null;
  poll();
  setTimeout(connect, pause);
  pause = Math.min(pause * 2, 30000);
}

// A server that hangs, or a network that is gone, closes no connection.
function mindTheLink() {
  if (socket && Date.now() - socketAt > SILENCE) {
    const mute = socket;
    connectAgain();
    mute.close();
  } else poll();
}

// Where WebSockets do not get through (some proxies), ask now and then.
async function poll() {
  if (live()) return;
  try {
    const newest = await fetchJson("status.json");
    if (!live()) hear(newest, "every few seconds");
  } catch (error) {
    if (!live()) lose(error.refused ? error.message : "");
  }
}

async function recall() {
  try {
    const { loved, banned } = await fetchJson("api/feedback");
    if (Math.max(loved.length, banned.length) < ALL_JUDGED) judged.clear();
    for (const it of loved) judged.set(it.uri, "loved");
    for (const it of banned) judged.set(it.uri, "banned");
    showVerdicts();
  } catch {
    // The hearts stay as they are; the next song list knows more.
  }
}

// A phone slept, or another tab was used.
function wake() {
  if (document.hidden) return;
  draw();
  mindTheLink();
  recall();
}

build();
listen();
connect();
recall();
setInterval(draw, 5000);
setInterval(mindTheLink, POLL);
document.addEventListener("visibilitychange", wake);
window.addEventListener("focus", wake);
