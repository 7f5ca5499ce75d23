"""What the words of unlocking mean to a meter's owner: words of session.py, verdict.py and requests.py in, sentences out. Loaded when told."""

REFUSED = {
    "busy": "something is under way",
    "bad_pin": "this is no PIN: four digits, as 0123",
    "already_unlocked": "the meter shows all it has already",
    "confirm": "the last PIN failed, and some meters lock after several: look at the meter, and write 'again' behind the PIN",
    "too_soon": "the meter must rest first",
    "too_fast": "one request at a time",
    "closed": "the meter's menu is not open",
    "keep": "its menu is kept alive: a long press might delete values",
    "retained": "the broker keeps this message (retained) and would repeat it at each start",
    "no_meter": "no SML meter is heard",
}
STATES = {
    # phases
    "checking": "looking whether the meter waits for its PIN",
    "waiting": "waiting until the meter rests",
    "pulsing": "entering the PIN by light",
    "judging": "waiting for what the meter makes of it",
    "open": "the meter's menu is open: 'next' and 'hold' switch InF on",
    "countdown": "a long press comes: only right if the display says InF OFF",
    "keeping": "kept alive by a flash each 100 s",
    # results and reasons
    "entered": "the meter took the PIN",
    "stays": "the meter stays unlocked",
    "already_unlocked": "the meter shows all it has already",
    "cancelled": "cancelled",
    "broken": "the pulses were broken off",
    "no_change": "the PIN changed nothing: a wrong PIN, or the head's light does not reach the eye",
    "nothing_seen": "the PIN changed nothing, and the head saw nothing of its own light: it may sit wrongly",
    "meter_silent": "the meter went silent",
    "by_pin": "unlocked by the PIN",
    "installation?": "shows all since its power came, perhaps for 30 minutes only",
    "inf_off": "locked again after 2 minutes, as InF is off",
    "installation_over": "locked, as its 30 minutes after power-up are over",
    "locked_again": "locked again",
}
