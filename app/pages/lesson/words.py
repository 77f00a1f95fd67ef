"""The words of the page of live teaching, by key."""

WORDS = {
    "lesson_source": "What is shown",
    "lesson_file": "A video of the project",
    "lesson_camera": "This device's camera",
    # Before a lesson.
    "lesson_setup": "Teach while you watch",
    "lesson_how": "For a class room, or to see in a minute what can be told apart: play a video, "
    "or show something to the camera, and hold a key while a behaviour is shown. Bars say at once "
    "what was learnt. A model that stays is taught on Teach.",
    "lesson_axis": "Behaviours",
    "lesson_axis_of": "{axis}: {names}",
    "lesson_axis_own": "Others, which I name",
    "lesson_names": "Names, with commas between them",
    "lesson_names_example": "moving, still",
    "lesson_start": "Begin the lesson",
    "lesson_choose_video": "Choose a video of the project, or add one.",
    # A lesson.
    "lesson_on": "Lesson",
    "lesson_hold": "Hold a key, or press and hold a name, for as long as the behaviour is shown.",
    "lesson_play_first": "Play the video first: what stands still shows nothing.",
    "lesson_camera_first": "Press the button of the camera first.",
    "lesson_show": "{name}: hold while it is shown",
    "lesson_no_examples": "no example",
    "lesson_one_example": "1 example, {seconds}",
    "lesson_num_examples": "{count} examples, {seconds}",
    "lesson_share": "How likely it is {name}",
    "lesson_example": "{name}: {seconds} shown.",
    "lesson_strip": "{count} examples over {seconds}",
    "lesson_strip_one": "1 example over {seconds}",
    "lesson_good": "Of examples that are left out in turn it tells the frames with a macro-F1 of "
    "{f1} (1 is perfect). This is a demonstration and no report: what is shown in one sitting is "
    "much alike.",
    "lesson_clear_last": "Take back the last",
    "lesson_clear_all": "Take back all",
    "lesson_keep": "Keep as labels",
    "lesson_stop": "End the lesson",
    "lesson_kept": "All examples are labels of this video.",
    "lesson_keep_how": "Examples become labels only if you keep them; that can be undone on Label. "
    "What else was learnt ends with the lesson.",
    "lesson_camera_kept": "Of a camera no picture is kept, so there is nothing that could be "
    "labelled: what was learnt ends with the lesson.",
    "lesson_next": "From these and other labels a model can be taught that stays:",
    "lesson_go_teach": "Go to Teach",
}
