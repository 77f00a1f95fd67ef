"""The words of the Results page: sentences of the server, and those of its markup by key."""

ALL_AUTHORS = "labels of all people"
OF_AUTHOR = "labels of {author}"
NO_AUTHOR = "labels without an author"
OF_MODEL = "predictions of {title}"
OF_FILE = "labels of the file {name}"
ALL_TITLE = "all people"
NO_AUTHOR_TITLE = "without an author"
OTHER_VIDEO = "The run {title} is of {video}. Choose that video, or another run."
SAME_ACCOUNT = "Both are the same. Choose another one to compare with."
AUTHORS_SHARE = (
    "Both people wrote into one project, which holds one account of each moment: where one has a "
    "bout, the other has none of its axis. Two people who coded the same video each have a project "
    "of their own, or a file: choose the other one's file."
)
FIGURE_OF = "{whose} · {videos}"
VIDEOS_OF = "{count} videos"

WORDS = {
    # What is shown.
    "results_shown": "What is shown",
    "results_video": "Video",
    "results_all_videos": "All videos",
    "results_whose": "Whose labels",
    "results_people": "People",
    "results_runs": "Predictions of a run",
    "results_files": "Files that you brought",
    "results_entry": "{title} ({count})",
    "results_run_state": "{title} · {video} · {state}",
    "results_run_unlike": "{run} · unlike its training",
    "results_post": "How bouts are made of the predictions, in this order",
    "results_threshold": "Threshold, 0 to 1",
    "results_threshold_hint": "A behaviour counts where its probability reaches this",
    "results_fill_gap": "Fill gaps up to, s",
    "results_fill_gap_hint": "Time of no behaviour between two bouts of one",
    "results_join": "Join over up to, s",
    "results_join_hint": "Time of anything else between two bouts of one",
    "results_min_bout": "Shortest bout, s",
    "results_min_bout_hint": "Shorter ones are left out",
    "results_raw": "Raw predictions",
    "results_raw_hint": "The most probable behaviour at any time, nothing filled or left out",
    "results_review": "Go over these predictions on Review",
    "results_summary": "{num}, in {videos}: {whose}.",
    "results_summary_none": "No bouts: {whose}.",
    "results_one_bout": "1 bout",
    "results_num_bouts": "{count} bouts and events",
    "results_one_video": "1 video",
    "results_num_videos": "{count} videos",
    "results_empty_project": "This project has no labels and no runs yet.",
    "results_empty_label": "Code a video on the Label page",
    "results_empty_or": "or let a model watch one on the",
    "results_empty_watch": "Watch page",
    "results_empty_then": "Then their results are here.",
    # Bouts.
    "results_bouts": "Bouts",
    "results_bouts_hint": "a click plays one, again and again",
    "results_behaviour": "Behaviour",
    "results_subject": "Subject or region",
    "results_any": "any",
    "results_nobody": "no one in particular",
    "results_length_from": "Lasts at least, s",
    "results_length_to": "at most, s",
    "results_day_from": "Time of day from",
    "results_day_until": "until",
    "results_no_clock": "Time of day needs the start of every recording: give it on the Label "
    "page.",
    "results_clear": "Clear filters",
    "results_count": "{num} of {all}",
    "results_cut": "The table holds the first {shown} of {num}; the files have all. Filter to see "
    "others.",
    "results_no_bouts": "No bout fits these filters.",
    "results_none_yet": "Nothing is labelled here yet.",
    "results_from": "From",
    "results_clock": "By the clock",
    "results_length": "Lasts",
    "results_score": "Probability",
    "results_score_hint": "Mean probability over the bout",
    "results_author": "By",
    "results_note": "Note",
    "results_point": "event",
    "results_table_keys": "Up and down move, Enter plays",
    "results_bouts_csv": "CSV",
    "results_bouts_csv_hint": "The bouts of this table, with model, settings, versions and the "
    "recording's start above the header",
    "results_boris_aggregated": "BORIS aggregated",
    "results_boris_tabular": "BORIS tabular",
    "results_boris_project": "BORIS project",
    "results_boris_times": "BORIS keeps times to 1 ms.",
    "results_files_of": "Files of these bouts",
    # Time budget.
    "results_budget": "Time budget",
    "results_every": "A row for",
    "results_all_time": "all time",
    "results_hour": "each hour",
    "results_day": "each day",
    "results_per_video": "Each video by itself",
    "results_denominator": "100 % is the {denominator}. A bout counts in the period in which it "
    "begins, its time where it is spent.",
    "results_by_clock": "Periods are by the clock.",
    "results_by_video": "Periods are of the time of each video: the starts of the recordings are "
    "not known.",
    "results_group": "scored {scored}",
    "results_group_not": "scored {scored}, not scored {not}",
    "results_percent": "% of scored",
    "results_seconds": "Time",
    "results_num": "Bouts",
    "results_rate": "Per hour",
    "results_mean": "Mean",
    "results_median": "Median",
    "results_latency": "Latency",
    "results_latency_hint": "From the first scored moment of the period to the first of the "
    "behaviour",
    "results_none_of_these": "none of these",
    "results_budget_cut": "The first {shown} of {num} rows; the file has all.",
    "results_budget_none": "Nothing is scored here yet, so there is no budget.",
    "results_table_csv": "CSV",
    # Over time.
    "results_figures": "Over time",
    "results_ethogram": "Ethogram",
    "results_actogram": "Actogram",
    "results_ethogram_hint": "what happened when, a lane for each behaviour",
    "results_actogram_hint": "days under each other, by the time of day",
    "results_axis": "Axis",
    "results_png": "PNG",
    "results_svg": "SVG",
    "results_drawn": "{kind} of {whose}",
    # What follows what.
    "results_sequences": "What follows what",
    "results_gap": "Over a gap of up to, s",
    "results_gap_hint": "Bouts follow each other if they touch, or if what is between them is no "
    "longer than this and was scored",
    "results_counts": "Rows: from; columns: to. How often, and the share of what follows",
    "results_left_out": "Not counted, since what lies between was not scored or is longer: "
    "{count}.",
    "results_no_sequences": "No behaviour follows another here.",
    # Agreement.
    "results_agreement": "Agreement",
    "results_agreement_hint": "of two people, or of a person and a model",
    "results_first": "First",
    "results_second": "Second",
    "results_choose": "choose …",
    "results_bring": "Choose a file …",
    "results_bring_hint": "Labels of another person, of any format that vidmem reads. It is "
    "compared, and not stored.",
    "results_bring_large": "{name} has {size}; a file of labels may have {most}.",
    "results_brought": "{name}: {count} of {videos}",
    "results_brought_note": "It {note}",
    "results_problems": "What was wrong in it:",
    "results_interval": "Scan every, s",
    "results_tolerance": "Events apart, s",
    "results_whole": "Both looked at all of each video",
    "results_whole_hint": "If both looked at all of each video, time without a bout is none of "
    "these. Else only time counts in which both have a bout, or a mark that it was scored.",
    "results_agreement_start": "Choose two to compare: two people, a person and a run, or a "
    "person and another person's file.",
    "results_both_scored": "{scored} that both scored.",
    "results_out": "Left out: {first} only in the first, {second} only in the second, {not} not "
    "scored.",
    "results_out_neither": "{seconds} in neither.",
    "results_kappa": "Cohen's kappa",
    "results_ac1": "Gwet's AC1",
    "results_same": "Same, %",
    "results_scans": "scans every {interval} s ({count})",
    "results_duration": "weighted by duration",
    "results_undefined": "undefined",
    "results_undefined_why": "Undefined: {why}.",
    "results_all_axes": "All axes together",
    "results_confusion": "Seconds; rows: the first, columns: the second. A click lists the spans.",
    "results_cell": "{a} in the {first}, {b} in the {second}",
    "results_spans": "{count} spans, {seconds}",
    "results_spans_cut": "the first {shown} are listed",
    "results_events": "Events, one if at most {tolerance} s apart",
    "results_matched": "Matched",
    "results_out_events": "Left out",
    "results_f1": "F1",
    "results_parts": "By video and subject",
    "results_kappa_scans": "kappa, scans",
    "results_kappa_duration": "kappa, duration",
    "results_scores": "How well the model does, against {person}",
    "results_scores_hint": "as vidmem score says it",
    "results_model_column": "predictions",
    "results_majority": "always {behaviour}",
    "results_macro": "Macro-F1, of behaviours",
    "results_macro_none": "Macro-F1, with none of these",
    "results_interval_of": "95 % interval of macro-F1: {low} to {high}, of {count} blocks of "
    "{seconds} s.",
    "results_no_interval": "No interval of macro-F1: there are {why}.",
    "results_precision": "Precision",
    "results_recall": "Recall",
    "results_ap": "AP",
    "results_support": "Seconds",
    "results_predicted": "Predicted",
    "results_predicted_bouts": "Predicted bouts",
    "results_segmental": "F1 of bouts at {percents} % overlap: {values}. Order of bouts (edit "
    "score): {edit}.",
    "results_edges": "Starts are off by {start}, ends by {end}, in the median.",
    "results_agreement_csv": "Figures, CSV",
    "results_confusion_csv": "Confusion, CSV",
    "results_json": "All, JSON",
    "results_files_say": "Every file says whose labels or which model it is of, the settings, how "
    "bouts were made, the version of vidmem and the start of each recording.",
}
