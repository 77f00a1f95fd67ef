"""The words of the Review page: sentences of the server, and those of its markup by key."""

CHECKED = "{num} of {all} checked"
ALL_CHECKED = "All {count} are checked: as you said it, so it counts."
ALL_NOT_SCORED = "Nothing of this can be told: all of it is marked as not scored."
ESTIMATED = "by estimate {accuracy} of the time that it names is right, {low} to {high}"
UNLIKE = (
    "this footage is unlike what the model was taught on, so its probabilities say nothing of how "
    "right it is. Make a blind check, or label some of it and teach again."
)
WORTH = "checking {num} more would raise it to {accuracy}"
LITTLE_WORTH = "checking {num} more would raise it by less than {points} points"
NO_BOUTS = "The model names no behaviour here: there is nothing to check."
NO_BLIND = (
    "The estimate rests on the model's own probabilities, which may be too high. Blind checks say "
    "by how much."
)
ONE_BLIND = "In 1 blind check the model was right {right} times; the estimate counts it."
SOME_BLIND = "In {num} blind checks the model was right {right} times; the estimate counts them."

WORDS = {
    "review": "Review",
    "review_player": "The bout at hand",
    "review_area_hint": "Here Tab goes to the next bout and Shift Tab to the one before; Escape "
    "leaves, and Tab goes from control to control again.",
    # what is gone over
    "review_source": "What a model said",
    "review_run": "Predictions of",
    "review_axis": "Of the axis",
    "review_subject": "As of",
    "review_no_subject": "no one in particular",
    "review_run_option": "{video} · {title}",
    "review_run_unlike": "{run} · unlike its training",
    "review_made": "How bouts are made",
    "review_threshold": "Threshold, 0 to 1",
    "review_fill_gap": "Fill gaps up to, s",
    "review_join": "Join over up to, s",
    "review_min_bout": "Shortest bout, s",
    "review_progress": "Checked",
    "review_none": "No model has watched a video of this project yet.",
    "review_none_do": "Let one watch on the Watch page",
    "review_none_then": "Then go over here what it is least sure of.",
    "review_unknown": "{names} {are} not among your behaviours yet, so nothing can be confirmed as "
    "that.",
    "review_is": "is",
    "review_are": "are",
    "review_add": "Add to my behaviours",
    # the list
    "review_bouts": "Bouts",
    "review_order": "Order",
    "review_order_doubt": "most in doubt",
    "review_order_disagreement": "you said otherwise",
    "review_order_confidence": "the surest, to skim",
    "review_order_time": "in order of time",
    "review_behaviour": "Only",
    "review_all": "all behaviours",
    "review_shorter": "Shorter than, s",
    "review_unchecked": "Only unchecked",
    "review_count": "{num} of {all}",
    "review_earlier": "◀ before",
    "review_later": "next {count} ▶",
    "review_range": "{first} to {last} of {num}",
    "review_loading": "Loading …",
    "review_list_none": "None of these.",
    "review_list_none_unchecked": "None of these is left to check.",
    "review_list_none_disagreement": "Nowhere do you and the model say two things.",
    "review_list_done": "All are checked. See on Results how often which behaviour is shown, or "
    "teach a model with what you said.",
    "review_is_checked": "checked",
    "review_differs": "you differ for {span}",
    "review_saving": "saving",
    # the bout at hand
    "review_nothing": "Choose a bout in the list.",
    "review_of": "{from} to {to} ({span})",
    "review_part": "to decide: {from} to {to}",
    "review_says": "the model: {percent}",
    "review_probabilities": "Probabilities in this bout",
    "review_tracks": "Around it",
    "review_model": "model",
    "review_people": "people",
    "review_track_words": "{who}: {words}",
    "review_track_none": "nothing",
    # what can be done
    "review_acts": "What it is",
    "review_moves": "Edges and steps",
    "review_confirm": "It is {behaviour}",
    "review_confirm_over": "The model is right: {behaviour}",
    "review_none_of_these": "none of these",
    "review_untold": "cannot be told",
    "review_start": "starts here",
    "review_end": "ends here",
    "review_start_earlier": "a second earlier",
    "review_end_later": "a second later",
    "review_previous": "previous",
    "review_next": "next",
    "review_undo": "undo",
    "review_undo_what": "Undo: {words}",
    "review_on_label": "Open on Label",
    "review_no_keys": "Behaviours without a key have a button; give them keys on Label.",
    "review_keys_player": "Tab and Shift Tab, too, go to the next and the previous. Space plays "
    "and pauses, , and . go by frames, ← and → by 5 seconds, < and > change the speed.",
    "review_as": "as {author}",
    "review_saved": "all is saved",
    "review_waiting": "not saved yet: {count}",
    "review_waiting_trouble": "not saved yet: {count}. {trouble}",
    # what is said and refused
    "review_said": "{behaviour}, {from} to {to}: kept",
    "review_said_untold": "{from} to {to}: cannot be told",
    "review_said_none": "{from} to {to}: none of these",
    "review_said_left": "Tab goes from control to control now. Click the player to go on.",
    "review_edge_order": "A bout ends after it starts. Go to another frame first.",
    "review_edge_inside": "A blind span may be made shorter, but not longer.",
    "review_yours": "You labelled this. Open it on Label to take that away.",
    "review_no_next": "There is no later bout in the list.",
    "review_no_previous": "There is no earlier bout in the list.",
    "review_no_behaviour": "{behaviour} is not among your behaviours: add it first.",
    "review_wait": "The app does not answer. What you pressed last waits; go on when it is saved.",
    "review_no_undo": "There is nothing to undo.",
    # blind checks
    "review_blind": "Blind check (10)",
    "review_blind_why": "Ten spans drawn by chance, without what the model says: how often you two "
    "say the same tells how far its probabilities can be believed.",
    "review_blind_at": "Blind check {number} of {count}",
    "review_blind_ask": "What happens from {from} to {to}? Press a key: the model's answer is "
    "hidden.",
    "review_blind_none": "Nothing is left that nobody has labelled: there is nothing to check "
    "blindly.",
    "review_blind_said": "Of {told} answers, {right} were what the model says.",
    "review_stop": "back to the list",
    # more alike
    "review_alike": "more like this",
    "review_alike_looking": "Looking at the features of all videos …",
    "review_alike_none": "Nothing more that is like it and unlabelled.",
    "review_alike_at": "Alike {number} of {count}",
    "review_alike_ask": "{video}, {from} to {to}: what is it?",
    "review_alike_without": "Not looked at, for want of features: {videos}. Teach with them, too.",
    "review_blind_said_none": "None of these could be told.",
}
