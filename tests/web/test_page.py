"""The page in a real browser, on a phone and on a desk."""

import dataclasses
import functools
import pathlib
import re
import socket
import time

import pytest

from mopidy_moodcam import desk as at_desk
from mopidy_moodcam.glossary import EXPRESSIONS, Goal, Reading, SongMood, Verdict
from mopidy_moodcam.status import CameraState, CameraStatus, Learnt, SongsStatus
from mopidy_moodcam.web.live import LiveHandler
from tests.web.conftest import TOKEN
from tests.web.dev_server import config_in, serving
from tests.web.scenes import consent, guests, happy, mood, unknown

CHROMIUM = pathlib.Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP music.example.org 127.0.0.1",
]
STATIC = pathlib.Path(at_desk.__file__).parent / "web" / "static"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed"
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints():
    """What the browser complained about: errors, refused resources, the console."""
    return []


@pytest.fixture
def open_page(browser, client, complaints):
    contexts = []

    def open_page(viewport=PHONE, **options):
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type in {"error", "warning"}
                else None
            ),
        )
        page.goto(f"http://127.0.0.1:{client.port}/moodcam/")
        page.wait_for_selector("#link.live")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page):
    return open_page()


def expect(page, selector):
    return playwright.expect(page.locator(selector))


def wait_for(puppet, command):
    end = time.monotonic() + 5
    while command not in puppet.commands and time.monotonic() < end:
        time.sleep(0.02)
    assert command in puppet.commands


def publish(desk, status):
    desk.publish(status)


def test_it_says_mood_reason_music_and_camera_in_words(page):
    expect(page, "#mood-word").to_have_text("happy")
    expect(page, "#mood-sure").to_have_text("82 % sure, for 12 minutes")
    expect(page, "#mood-why").to_have_text("Three readings agree.")
    expect(page, "#target-words").to_contain_text("Happy songs: happy faces")
    expect(page, "#camera-words").to_contain_text("It looks at the room now and then.")
    expect(page, "#songs-words").to_contain_text("1,180 of 1,204 are analysed.")


def test_it_shows_seven_probabilities_and_a_place_on_the_plane(page):
    assert page.locator("#bars li").count() == 7
    expect(page, "#bars li.top-one").to_contain_text("happy")
    assert float(page.locator("#plane-point").get_attribute("cx")) == 0.75
    assert "pleasant" in page.locator("#plane").get_attribute("aria-label")


def test_before_there_was_a_face_nothing_is_said_to_be_likely(page, desk):
    expect(page, "#bars").to_be_visible()
    publish(desk, unknown(time.time()))
    expect(page, "#bars").to_be_hidden()


def test_aiming_shows_boxes_and_light_and_never_an_image(page):
    assert page.locator("#faces rect").count() == 2
    expect(page, "#faces-words").to_contain_text("2 faces, mirrored")
    expect(page, "#light-words").to_have_text("good")
    assert page.locator("img, video, canvas").count() == 0


def test_the_room_of_a_camera_elsewhere_is_named(page, desk):
    kitchen = dataclasses.replace(desk.status.reading, room="kitchen")
    publish(desk, dataclasses.replace(desk.status, reading=kitchen))
    expect(page, "#faces-words").to_contain_text("Room kitchen: 2 faces")
    camera = desk.status.camera
    alone = dataclasses.replace(camera, state=CameraState.TROUBLE, looking=("kitchen",))
    publish(desk, dataclasses.replace(desk.status, camera=alone))
    expect(page, "#faces-words").to_contain_text("Room kitchen: 2 faces")
    silent = dataclasses.replace(
        camera, source="none", state=CameraState.RESTING, why="", looking=()
    )
    publish(desk, dataclasses.replace(desk.status, reading=None, camera=silent))
    expect(page, "#faces-words").to_contain_text("No camera elsewhere has been heard")
    gone = Reading(time=time.time(), reason="gone", room="kitchen")
    publish(desk, dataclasses.replace(desk.status, reading=gone))
    expect(page, "#faces-words").to_have_text("No camera looks now.")


def test_counters_say_that_nothing_is_stored_or_sent(page):
    expect(page, "#seen").to_have_text("4,310")
    expect(page, "#stored").to_have_text("0")
    expect(page, "#sent").to_have_text("0")


def test_songs_that_wait_are_told_what_for(page, desk):
    expect(page, "#songs-words").to_contain_text("24 wait for 'mopidy moodcam scan'.")
    expect(page, "#songs-words").not_to_contain_text("heard")
    now = happy(time.time())
    songs = dataclasses.replace(now.songs, waiting=10)
    publish(desk, dataclasses.replace(now, songs=songs))
    expect(page, "#songs-words").to_contain_text(
        "10 wait for 'mopidy moodcam scan'."
        " 14 cannot be heard: 'mopidy moodcam scan' says why, a table may help."
    )


def test_it_follows_the_server_without_a_reload(page, desk):
    publish(desk, unknown(time.time()))
    expect(page, "#mood-word").to_have_text("Unknown")
    expect(page, "#mood-why").to_have_text("The camera is busy.")
    expect(page, "#notices").to_contain_text("mopidy moodcam scan")
    expect(page, "#camera-words").to_contain_text("another program", ignore_case=True)


def test_a_song_mood_is_chosen_by_hand_and_given_back(page, puppet):
    page.get_by_role("button", name="Calm", exact=True).click()
    wait_for(puppet, at_desk.Override(SongMood.CALM, 3600.0))
    expect(page, '[data-mood="calm"]').to_have_attribute("aria-pressed", "true")
    expect(page, '[data-mood=""]').to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Automatic").click()
    wait_for(puppet, at_desk.Override(None))
    expect(page, '[data-mood=""]').to_have_attribute("aria-pressed", "true")


def test_a_chosen_mood_lasts_as_long_as_asked(page, puppet):
    page.get_by_label("A mood chosen by hand lasts").select_option("until I change it")
    page.get_by_role("button", name="Sad", exact=True).click()
    wait_for(puppet, at_desk.Override(SongMood.SAD))


def test_a_mood_chosen_in_a_pause_says_that_it_is_over(page, puppet):
    page.get_by_role("button", name="Pause for an hour").click()
    expect(page, "#pause").to_have_text("Go on")
    page.get_by_role("button", name="Calm", exact=True).click()
    wait_for(puppet, at_desk.Override(SongMood.CALM, 3600.0))
    expect(page, "#toast").to_have_text("The pause is over. Calm songs after this one.")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"playback": "stopped"}, "Calm songs, from now on."),
        ({"quiet": True}, "Calm songs when the quiet hours are over."),
        (
            {"songs": SongsStatus(why="no songs yet: scan")},
            "Calm is chosen. No songs yet: scan.",
        ),
    ],
)
def test_a_chosen_mood_says_when_it_is_heard(open_page, desk, changes, said):
    publish(desk, dataclasses.replace(desk.status, **changes))
    page = open_page()
    page.get_by_role("button", name="Calm", exact=True).click()
    expect(page, "#toast").to_have_text(said)


def test_the_goal_is_the_one_that_the_arrow_keys_come_to_rest_on(page, puppet):
    page.get_by_role("radio", name="match").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    wait_for(puppet, at_desk.SetGoal(Goal.HOLD))
    assert puppet.commands == [at_desk.SetGoal(Goal.HOLD)]
    expect(page, "#goal-words").to_contain_text("leaves the music as it is")


def test_pausing_and_going_on(page, puppet):
    page.get_by_role("button", name="Pause for an hour").click()
    wait_for(puppet, at_desk.Pause(3600.0))
    page.get_by_role("button", name="Go on").click()
    wait_for(puppet, at_desk.Pause(0.0))


@pytest.mark.parametrize(
    ("button", "verdict"),
    [
        ("Right", "right"),
        ("Wrong", "wrong"),
        ("I’m only concentrating", "concentrating"),  # noqa: RUF001
    ],
)
def test_the_mood_is_corrected_with_one_tap(page, puppet, button, verdict):
    page.get_by_role("button", name=button, exact=True).click()
    wait_for(puppet, at_desk.Correct(verdict))
    expect(page, "#toast").to_have_class("toast shown")


def test_the_mood_is_corrected_to_what_it_really_is(page, puppet):
    said = page.get_by_text("It is …")
    said.focus()
    for key in ("Enter", "ArrowDown", "Tab", "Tab"):
        page.keyboard.press(key)
    assert puppet.commands == []
    page.get_by_role("button", name="sad", exact=True).last.press("Enter")
    wait_for(puppet, at_desk.Correct("sad"))
    playwright.expect(said).to_be_focused()


def test_the_camera_goes_off_with_one_tap(page, puppet):
    page.get_by_role("switch", name="Camera").click()
    wait_for(puppet, at_desk.SwitchCamera(False))
    expect(page, "#camera").to_have_attribute("aria-checked", "false")


def test_a_real_camera_asks_for_consent_with_plain_words(page, puppet, desk):
    publish(desk, consent(time.time()))
    expect(page, "#camera-words").to_contain_text("until you agree")
    page.get_by_role("switch", name="Camera").click()
    words = page.get_by_role("dialog").inner_text()
    for needed in ("No frame is stored and none is sent", "AI Act", "work", "schools"):
        assert needed in words
    page.get_by_role("button", name="Not now").click()
    assert puppet.commands == []
    page.get_by_role("switch", name="Camera").click()
    page.keyboard.press("Escape")
    assert puppet.commands == []
    page.get_by_role("button", name="Switch the camera on").press("Enter")
    page.get_by_role("button", name="Agree and switch on").press("Enter")
    wait_for(puppet, at_desk.SwitchCamera(True, True))
    expect(page, "#ask-camera").to_be_hidden()
    expect(page, "#camera-link").to_be_focused()


def test_the_words_of_consent_are_read_from_their_beginning(open_page, desk):
    publish(desk, consent(time.time()))
    page = open_page({"width": 320, "height": 568})
    page.get_by_role("button", name="Switch the camera on").click()
    expect(page, "#consent-title").to_be_in_viewport()
    expect(page, "#consent-yes").to_be_in_viewport()
    assert page.locator("#consent").evaluate("e => e.scrollTop") == 0


def test_guests_are_asked_for(page, puppet, desk):
    expect(page, "#guests").to_be_hidden()
    publish(desk, guests(time.time()))
    page.get_by_role("button", name="Our guests know and agree").press("Enter")
    wait_for(puppet, at_desk.AllowGuests(True))
    expect(page, "#camera").to_be_focused()


def test_picks_say_why_and_are_loved_and_banned(page, puppet):
    first = page.locator("#next > li").first
    playwright.expect(first).to_contain_text("close to the mood, not heard for 2 days")
    love = first.get_by_role("button", name="Love")
    row = first.element_handle()
    love.click()
    wait_for(puppet, at_desk.JudgeTrack("local:track:0.flac", Verdict.LOVED))
    playwright.expect(love).to_have_attribute("aria-pressed", "true")
    love.click()
    wait_for(puppet, at_desk.JudgeTrack("local:track:0.flac", Verdict.NONE))
    first.get_by_role("button", name="Never play").click()
    wait_for(puppet, at_desk.JudgeTrack("local:track:0.flac", Verdict.BANNED))
    assert row.evaluate("row => row.isConnected")  # so what was opened stays open


def test_the_rest_of_a_long_reason_is_told_when_asked(page):
    second = page.locator("#next > li").nth(1)
    rest = second.get_by_text("close in tempo to the song before")
    playwright.expect(rest).to_be_hidden()
    second.get_by_text("Why this song?").click()
    playwright.expect(rest).to_be_visible()


def test_the_song_that_plays_is_the_first_of_the_last_picks(page, desk):
    expect(page, "#last > li").to_have_count(3)
    expect(page, "#last > li >> nth=0").to_contain_text("Playing now")
    expect(page, "#last > li >> nth=0").to_contain_text("Very Long Title")
    publish(desk, dataclasses.replace(happy(time.time()), playing_pick=None))
    expect(page, "#last > li").to_have_count(2)
    expect(page, "#last").not_to_contain_text("Playing now")


def test_titles_are_text_and_never_markup(page, desk):
    status = happy(time.time())
    evil = dataclasses.replace(
        status.next_picks[0],
        title="<img src=x onerror=alert(1)>",
        reason='<a href="javascript:alert(1)">x</a>',
    )
    publish(desk, dataclasses.replace(status, next_picks=(evil,), notices=("<b>!",)))
    expect(page, "#next").to_contain_text("<img src=x onerror=alert(1)>")
    expect(page, "#notices").to_contain_text("<b>!")
    assert page.locator("#next img, #next a, #notices b").count() == 0


def test_songs_of_a_mood_are_listed_and_searched(page):
    page.get_by_role("button", name="sad 166 songs: show them").click()
    expect(page, "#found h3").to_have_text("Sad songs")
    expect(page, "#found .title >> nth=0").to_have_text("Sad song 0")
    page.get_by_label("Search songs").fill("calm artist 2")
    page.keyboard.press("Enter")
    expect(page, "#found h3").to_contain_text("calm artist 2")
    assert page.locator("#found li .title").all_inner_texts() == [
        "Calm song 2",
        "Calm song 7",
    ]
    expect(page, "#found-words").to_have_text("Songs with “calm artist 2”: 2 songs")
    page.get_by_role("button", name="Close").press("Enter")
    expect(page, "#library-title").to_be_focused()


def test_songs_that_are_found_come_into_view(page):
    last = page.locator("#shelf button").last
    last.evaluate("button => button.scrollIntoView({ block: 'end' })")
    last.click()
    expect(page, "#found h3").to_be_in_viewport()
    expect(page, "#found .title >> nth=0").to_be_in_viewport()


def test_a_banned_song_is_said_to_be_so(page):
    page.get_by_label("Search songs").fill("sad song 4")
    page.keyboard.press("Enter")
    expect(page, "#found .reason >> nth=0").to_have_text("is never picked")


def test_a_long_list_goes_on_when_asked(page):
    page.get_by_label("Search songs").fill("song")
    page.get_by_role("button", name="Search").click()
    expect(page, "#found .songs > li").to_have_count(50)
    page.get_by_role("button", name="More").click()
    expect(page, "#found .songs > li").to_have_count(72)
    playwright.expect(page.get_by_role("button", name="More")).to_be_hidden()


def test_what_was_loved_before_is_marked(page):
    page.get_by_role("button", name="sad 166 songs: show them").click()
    row = page.locator("#found .songs > li", has_text="Sad song 3")
    love = row.get_by_role("button", name="Love")
    playwright.expect(love).to_have_attribute("aria-pressed", "true")


def test_borrowed_songs_are_called_so(page):
    borrowed = page.get_by_role("button", name="romantic 30 borrowed songs: show them")
    playwright.expect(borrowed).to_contain_text("30 borrowed")


def test_a_song_loved_in_one_tab_is_so_in_another(page):
    other = page.context.new_page()
    other.goto(page.url)
    love = "#next .love >> nth=0"
    judged = {"loved": [{"uri": "local:track:0.flac"}], "banned": []}
    other.route("**/api/feedback", lambda route: route.fulfill(json=judged))
    expect(other, love).to_have_attribute("aria-pressed", "false")
    other.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(other, love).to_have_attribute("aria-pressed", "true")


def test_the_resting_face_is_learnt_and_forgotten(page, puppet):
    page.get_by_role("button", name="Learn it anew").click()
    wait_for(puppet, at_desk.Baseline())
    expect(page, "#baseline-words").to_contain_text("more seconds")
    page.get_by_role("button", name="Forget it").click()
    wait_for(puppet, at_desk.Baseline(forget=True))
    page.get_by_role("button", name="Forget corrections").click()
    wait_for(puppet, at_desk.ForgetCorrections())


@pytest.mark.parametrize(
    ("camera", "why"),
    [
        (CameraStatus(state=CameraState.OFF, why="switched off"), "It is off."),
        (CameraStatus(on=True, state=CameraState.PAUSED), "It is paused."),
        (CameraStatus(on=True, state=CameraState.TROUBLE), "It cannot see."),
        (
            CameraStatus(
                on=True, source="none", state=CameraState.RESTING, elsewhere=True
            ),
            "There is none here.",
        ),
    ],
)
def test_no_face_is_learnt_while_no_camera_looks(open_page, puppet, desk, camera, why):
    publish(desk, dataclasses.replace(desk.status, camera=camera, learnt=Learnt()))
    page = open_page()
    sentence = f"Nothing can be learnt while the camera does not look. {why}"
    expect(page, "#baseline-words").to_contain_text(sentence)
    page.get_by_role("button", name="Learn my resting face").press("Enter")
    expect(page, "#toast").to_have_text(sentence)
    assert puppet.commands == []


def test_history_is_a_strip_and_a_list(page):
    assert page.locator("#strip i").count() == 7
    page.get_by_text("As a list").click()
    expect(page, "#history li >> nth=0").to_contain_text("happy")


def test_redrawing_keeps_the_focus(page, desk):
    button = page.locator("#next > li").first.get_by_role("button", name="Love")
    button.focus()
    status = desk.status
    publish(desk, dataclasses.replace(status, next_picks=status.next_picks[:1]))
    expect(page, "#next > li").to_have_count(1)
    playwright.expect(button).to_be_focused()


def test_a_reason_that_was_opened_stays_so_while_its_song_is_listed(page, desk):
    why = page.get_by_text("Why this song?")
    why.press("Enter")
    status = desk.status
    publish(desk, dataclasses.replace(status, next_picks=status.next_picks[1:]))
    expect(page, "#next > li").to_have_count(1)
    expect(page, "#next details").to_have_attribute("open", "")
    playwright.expect(why).to_be_focused()
    publish(desk, dataclasses.replace(status, next_picks=status.next_picks[:1]))
    expect(page, "#next").to_be_focused()


def test_a_shelf_that_is_counted_anew_keeps_the_focus(page, desk):
    calm = page.get_by_role("button", name=re.compile("^calm .* songs: show them"))
    calm.focus()
    now = happy(time.time())
    songs = dataclasses.replace(now.songs, by_song_mood=(("calm", 302),))
    publish(desk, dataclasses.replace(now, songs=songs))
    expect(page, "#shelf").to_contain_text("302")
    playwright.expect(calm).to_be_focused()


@pytest.mark.parametrize(
    ("button", "heir"),
    [
        ("#forget-corrections", "#forget-corrections"),
        ("#baseline", "#baseline"),
        ("#forget-baseline", "#baseline"),
    ],
)
def test_a_button_that_has_done_its_part_keeps_or_hands_on_the_focus(
    page, button, heir
):
    page.locator(button).press("Enter")
    done = "#forget-baseline[hidden], [aria-disabled='true']"
    page.wait_for_selector(done, state="attached")
    expect(page, heir).to_be_focused()


def test_a_verdict_that_vanishes_hands_on_the_focus(page, desk):
    page.locator("[data-verdict=wrong]").focus()
    nobody = mood("unknown", time.time())
    publish(desk, dataclasses.replace(desk.status, mood=nobody))
    expect(page, "#really summary").to_be_focused()


def test_another_machine_is_asked_for_the_token_once(browser, guarded, puppet):
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    context = browser.new_context(extra_http_headers=proxied)
    page, other = context.new_page(), context.new_page()
    for tab in (page, other):
        tab.goto(f"http://127.0.0.1:{guarded.port}/moodcam/")
        expect(tab, "#mood-word").to_have_text("happy")
    page.get_by_role("button", name="Right", exact=True).click()
    expect(page, "#token-wrong").to_be_hidden()
    page.locator("#token").fill("s3cr€t")
    page.keyboard.press("Enter")
    page.locator("#token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page, "#token-wrong").to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page, "#toast").to_have_text(
        "Nothing was changed, as this server asks for its token (moodcam/token)."
    )
    page.get_by_role("button", name="Right", exact=True).click()
    page.locator("#token").fill(TOKEN)
    page.keyboard.press("Enter")
    wait_for(puppet, at_desk.Correct("right"))
    page.reload()
    page.get_by_role("button", name="Wrong", exact=True).click()
    wait_for(puppet, at_desk.Correct("wrong"))
    other.get_by_role("button", name="Calm", exact=True).click()
    wait_for(puppet, at_desk.Override(SongMood.CALM, 3600.0))
    context.close()


def test_a_browser_that_remembers_nothing_steers_all_the_same(browser, guarded, puppet):
    page = browser.new_page(extra_http_headers={"X-Forwarded-For": "203.0.113.9"})
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage',"
        " { get() { throw new DOMException('denied', 'SecurityError'); } })"
    )
    page.goto(f"http://127.0.0.1:{guarded.port}/moodcam/")
    expect(page, "#mood-word").to_have_text("happy")
    for button, verdict in (("Right", "right"), ("Wrong", "wrong")):
        page.get_by_role("button", name=button, exact=True).click()
        if verdict == "right":
            page.locator("#token").fill(TOKEN)
            page.keyboard.press("Enter")
        wait_for(puppet, at_desk.Correct(verdict))
    page.close()


def test_a_refusal_is_told_in_the_servers_words(page, desk, complaints):
    desk.receive_with(None)
    page.get_by_role("button", name="Right", exact=True).click()
    expect(page, "#toast").to_contain_text("starting, stopping or has failed")
    complaints.clear()  # the browser's own note about 503


def test_a_name_that_the_server_does_not_know_is_said_once(browser, client):
    page = browser.new_page()
    page.clock.install()
    page.goto(f"http://music.example.org:{client.port}/moodcam/")
    expect(page, "#notices").to_contain_text("add that name to http/allowed_origins")
    expect(page, "#link-words").to_have_text("refused by the server")
    notice = page.locator("#notices p").element_handle()
    with page.expect_response("**/status.json"):
        page.clock.fast_forward(10_000)
    assert notice.evaluate("notice => notice.isConnected")  # so it is not said again
    expect(page, "#toast").to_be_empty()
    page.close()


@pytest.mark.usefixtures("puppet")
def test_a_lost_server_is_said_and_found_again(browser, desk, tmp_path):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    config = config_in(tmp_path)
    page.clock.install()
    with serving(desk, config) as port:
        page.goto(f"http://127.0.0.1:{port}/moodcam/")
        expect(page, "#link-words").to_have_text("live")
        page.locator("#camera-card").scroll_into_view_if_needed()
    words = re.compile("no connection since")
    expect(page, "#link-words").to_have_text(words, timeout=15000)
    expect(page, "#link-words").to_be_in_viewport()
    assert page.title().startswith("No connection")
    sure = page.locator("#mood-sure").inner_text()
    page.clock.fast_forward(600_000)
    expect(page, "#mood-sure").to_have_text(sure)
    with serving(desk, config, port):
        expect(page, "#link-words").to_have_text("live", timeout=35000)
        expect(page, "body").not_to_have_class("lost")
    page.close()


def fulfill(file, route):
    route.fulfill(path=file)


def test_a_server_that_hangs_is_taken_for_gone_and_commands_say_so(browser):
    """A socket that takes connections and never says anything more."""
    page = browser.new_page()
    page.clock.install()
    for name in ("", "page.css", "page.js"):
        file = STATIC / (name or "index.html")
        page.route(f"**/moodcam/{name}", functools.partial(fulfill, file))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        page.goto(f"http://127.0.0.1:{silent.getsockname()[1]}/moodcam/")
        page.locator("#pause").click()
        sentence = "takes too long to answer"
        expect(page, "#toast").to_contain_text(sentence, timeout=15000)
        expect(page, "#link-words").to_contain_text("no connection since")
    page.close()


@pytest.mark.usefixtures("puppet")
def test_a_page_that_hears_nothing_for_long_asks_anew(browser, client, monkeypatch):
    page = browser.new_page()
    page.clock.install()
    page.goto(f"http://127.0.0.1:{client.port}/moodcam/")
    expect(page, "#link-words").to_have_text("live")
    monkeypatch.setattr(LiveHandler, "show", lambda *_: None)
    page.clock.fast_forward(60_000)
    expect(page, "#link-words").to_have_text("every few seconds")
    page.close()


@pytest.mark.usefixtures("puppet")
def test_after_a_sleep_clocks_stand_where_the_server_was_last_heard(
    browser, client, monkeypatch
):
    page = browser.new_page()
    page.clock.install()
    page.goto(f"http://127.0.0.1:{client.port}/moodcam/")
    expect(page, "#link-words").to_have_text("live")
    sure = page.locator("#mood-sure").inner_text()
    heard = page.evaluate(CLOCK)
    monkeypatch.setattr(LiveHandler, "show", lambda *_: None)
    page.route("**/*", lambda route: route.abort())
    page.clock.set_system_time(time.time() + 7200)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    words = f"no connection since {heard}"
    expect(page, "#link-words").to_have_text(words, timeout=2000)
    expect(page, "#mood-sure").to_have_text(sure)
    page.close()


@pytest.mark.usefixtures("puppet")
def test_an_answer_from_before_a_sleep_sets_no_clock(browser, client, monkeypatch):
    page = browser.new_page()
    page.clock.install()
    slow = []

    def hold(route):
        slow.append(route)

    page.route("**/api/feedback", hold)
    with page.expect_request("**/api/feedback"):
        page.goto(f"http://127.0.0.1:{client.port}/moodcam/")
    expect(page, "#link-words").to_have_text("live")
    sure = page.locator("#mood-sure").inner_text()
    [held] = slow
    answer = held.fetch()
    monkeypatch.setattr(LiveHandler, "show", lambda *_: None)
    page.route("**/*", lambda route: route.abort())
    page.clock.set_system_time(time.time() + 7200)
    with page.expect_response("**/api/feedback"):
        held.fulfill(response=answer)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page, "#mood-sure").to_have_text(sure)
    page.close()


CLOCK = """new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })"""


@pytest.mark.parametrize("viewport", [PHONE, DESK, {"width": 320, "height": 568}])
@pytest.mark.parametrize("scene", [happy, unknown, consent, guests])
def test_nothing_sticks_out_at_the_side(open_page, desk, viewport, scene):
    publish(desk, scene(time.time()))
    page = open_page(viewport)
    page.get_by_role("button", name=re.compile("Forget corrections")).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


BROKEN_WORDS = """
[...document.querySelectorAll('h1, .link, .pill, button, .goals, .bars')].flatMap(e => {
  const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), broken = [];
  for (let node; (node = walker.nextNode()); )
    for (const word of node.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (range.getClientRects().length > 1) broken.push(word[0]);
    }
  return broken;
})"""


@pytest.mark.parametrize(
    ("width", "font"), [(320, 16), (360, 16), (360, 24), (360, 32)]
)
def test_no_word_is_broken_on_a_narrow_phone(open_page, width, font):
    page = open_page({"width": width, "height": 640})
    # What the browser's own font size does, which needs a profile of its own.
    page.evaluate(f"document.documentElement.style.fontSize = '{font}px'")
    page.get_by_label("Search songs").fill("calm artist 2")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Close").wait_for()
    assert page.evaluate(BROKEN_WORDS) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


MOOD_OVER_OTHERS = """word => {
  const element = document.getElementById('mood-word'), range = new Range();
  element.textContent = word;
  range.selectNodeContents(element);
  const text = range.getBoundingClientRect();
  return [...document.querySelectorAll('#plane, .plane span, .bars-box')].some(part => {
    const box = part.getBoundingClientRect();
    return text.right > box.left && text.left < box.right
      && text.bottom > box.top && text.top < box.bottom;
  });
}"""


@pytest.mark.parametrize("width", [320, 360, 390, 440, 600, 760, 800, 840, 1280])
def test_the_mood_never_covers_the_plane_or_the_bars(open_page, width):
    page = open_page({"width": width, "height": 800})
    for word in (*EXPRESSIONS, "unknown"):
        assert not page.evaluate(MOOD_OVER_OTHERS, word), word


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("scene", [happy, unknown, guests])
def test_every_text_has_enough_contrast(open_page, desk, scheme, scene):
    publish(desk, scene(time.time()))
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    assert page.evaluate(CONTRAST) == []


def test_what_is_said_before_a_loss_is_readable_after_it(page):
    page.evaluate("document.body.classList.add('lost')")
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("style", ["color: #aaa", "opacity: 0.55"])
def test_poor_contrast_would_be_found(page, style):
    page.evaluate(f"document.getElementById('about').style = '{style}'")
    (poor,) = page.evaluate(CONTRAST)
    assert poor.startswith("Mopidy-MoodCam 0.1.0: 2.")


def test_with_colours_of_the_system_what_is_on_and_chosen_is_seen(open_page):
    page = open_page(forced_colors="active")
    for part, pseudo in ((".reason", "before"), (".legend li", "before")):
        style = page.locator(part).first.evaluate(STYLE, f"::{pseudo}")
        assert style["forcedColorAdjust"] == "none"
    assert page.locator("#camera").evaluate(STYLE, "::before")["borderWidth"] == "2px"
    for chosen in ('[data-mood=""]', ".goals label:has(:checked)"):
        assert page.locator(chosen).evaluate(STYLE)["borderWidth"] == "3px"
    knob = page.locator("#camera .knob").evaluate(STYLE)["backgroundColor"]
    track = page.locator("#camera").evaluate(STYLE, "::before")["backgroundColor"]
    assert knob != track


STYLE = """(element, pseudo) => {
  const style = getComputedStyle(element, pseudo);
  const { backgroundColor, borderWidth, forcedColorAdjust } = style;
  return { backgroundColor, borderWidth, forcedColorAdjust };
}"""


def test_every_control_has_a_name_and_is_big_enough_for_a_thumb(page):
    controls = page.locator("button:visible, select:visible, input:visible, summary")
    for control in controls.all():
        name = control.evaluate(
            "e => e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')"
            " || e.innerText.trim() || e.labels?.[0]?.innerText"
        )
        assert name, control.evaluate("e => e.outerHTML")
        box = control.evaluate(
            "e => { const b = (e.type === 'radio' ? e.parentElement : e)"
            ".getBoundingClientRect(); return [b.width, b.height] }"
        )
        assert min(box) >= 43.5, control.evaluate("e => e.outerHTML")


def test_the_keyboard_reaches_every_control(page):
    wanted = page.locator(
        "button:visible:enabled, select:visible, input[type=search], summary"
    ).count()
    seen = set()
    for _ in range(wanted + 10):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.outerHTML"))
    buttons = page.locator("button:visible:enabled").all()
    for button in buttons:
        assert button.evaluate("e => e.outerHTML") in seen


def test_motion_is_left_out_where_it_is_not_wanted(open_page):
    page = open_page(reduced_motion="reduce")
    durations = page.evaluate(
        "[...document.querySelectorAll('*')]"
        ".map(e => getComputedStyle(e).transitionDuration)"
    )
    assert set(durations) == {"0s"}


def test_the_page_asks_nobody_but_this_server(open_page, client):
    page = open_page()
    hosts = page.evaluate(
        "performance.getEntriesByType('resource').map(e => new URL(e.name).host)"
    )
    assert set(hosts) == {f"127.0.0.1:{client.port}"}
    text = "".join(
        file.read_text()
        for file in pathlib.Path(at_desk.__file__).parent.glob("web/static/*")
    )
    outside = set(re.findall(r"https?://[^\s\"'<>)]+", text))
    assert outside <= {"http://www.w3.org/2000/svg"}


def test_the_content_policy_lets_no_foreign_script_run(page, complaints):
    ran = page.evaluate(
        "() => { const s = document.createElement('script');"
        "s.textContent = 'window.ran = true'; document.body.append(s);"
        "return window.ran === true }"
    )
    assert ran is False
    complaints.clear()  # the browser told of the refused script


def test_the_camera_state_is_shown_for_every_state(page, desk):
    for state in CameraState:
        status = happy(time.time())
        looking = ("",) if state is CameraState.WATCHING else ()
        camera = dataclasses.replace(
            status.camera, state=state, why=f"why {state}", looking=looking
        )
        publish(desk, dataclasses.replace(status, camera=camera))
        told = "It is off." if state is CameraState.OFF else f"Why {state}"
        expect(page, "#camera-words").to_contain_text(told)
        expect(page, "#camera-words").not_to_contain_text("Why off")
        looks = state in {CameraState.WATCHING, CameraState.GUESTS}
        expect(page, "#faces rect").to_have_count(2 if looks else 0)


def test_without_a_camera_here_that_is_said_and_others_are_shown(page, desk):
    status = happy(time.time())
    camera = dataclasses.replace(
        status.camera,
        source="none",
        state=CameraState.RESTING,
        why="no camera is set.",
        looking=(),
    )
    publish(desk, dataclasses.replace(status, camera=camera, reading=None))
    expect(page, "#camera-link").to_have_text("No camera")
    expect(page, "#camera-words").to_have_text("There is none here. No camera is set.")
    heard = dataclasses.replace(
        camera, state=CameraState.WATCHING, why="", looking=("kitchen",)
    )
    publish(desk, dataclasses.replace(status, camera=heard))
    expect(page, "#faces rect").to_have_count(2)


CONTRAST = """() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = c.map((v) => {
      v /= 255;
      return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0.99) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const opacity = (e) => e ? getComputedStyle(e).opacity * opacity(e.parentElement) : 1;
  const poor = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.data.trim();
    const e = walk.currentNode.parentElement;
    const exempt = "script, noscript, dialog, .toast, [aria-disabled=true]";
    if (!text || !e.checkVisibility() || e.closest(exempt)) continue;
    const style = getComputedStyle(e);
    const under = ground(e), share = opacity(e);
    const ink = parse(e instanceof SVGElement ? style.fill : style.color)
      .slice(0, 3).map((v, i) => share * v + (1 - share) * under[i]);
    const [high, low] = [light(ink), light(under)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) poor.push(`${text.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""
