"""Datasets in their official layouts, of a few clips: each takes a folder and a video to copy."""

from __future__ import annotations

import json
import os
from pathlib import Path

AVA_ACTIONS = """label {
  name: "bend/bow (at the waist)"
  label_id: 1
  label_type: PERSON_MOVEMENT
}
label {
  name: "stand"
  label_id: 12
  label_type: PERSON_MOVEMENT
}
label {
  name: "watch (a person)"
  label_id: 80
  label_type: PERSON_INTERACTION
}
"""
CVB_ACTIONS = """item {
  name: "grazing"
  label_id: 2
}
item {
  name: "walking"
  label_id: 3
}
"""


def put(root: Path, video: Path, *names: str) -> None:
    """A video under several names: links, since they are only read."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(video, path)


def write(root: Path, files: dict[str, str]) -> None:
    """Files of text."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def kinetics(root: Path, video: Path) -> Path:
    """Kinetics-400 as it is mirrored: a CSV per subset, and clips in folders of their class."""
    put(
        root,
        video,
        "train/tai_chi/-0AFA2OVzn0_000019_000029.mp4",
        "train/shearing_sheep/--8YXc8iCt8_000002_000012.mp4",
        "val/tai_chi/-3LQIrz9FoM_000010_000020.mp4",
        "test/--6zxbYq5M4_000039_000049.mp4",
    )
    write(
        root,
        {
            "annotations/train.csv": "label,youtube_id,time_start,time_end,split\n"
            "tai chi,-0AFA2OVzn0,19,29,train\n"
            "shearing sheep,--8YXc8iCt8,2,12,train\n",
            "annotations/val.csv": "label,youtube_id,time_start,time_end,split,is_cc\n"
            "tai chi,-3LQIrz9FoM,10,20,validate,0\n",
            "annotations/test.csv": "youtube_id,time_start,time_end,split\n"
            "--6zxbYq5M4,39,49,test\n",
        },
    )
    return root


def something(root: Path, video: Path) -> Path:
    """Something-Something V2 as it is downloaded."""
    put(root, video, *(f"20bn-something-something-v2/{name}.webm" for name in (78687, 42326, 1420)))
    holding = "Holding [something] next to [something]"
    write(
        root,
        {
            "labels/labels.json": json.dumps(
                {"Moving something up": "0", "Holding something next to something": "1"}
            ),
            "labels/train.json": json.dumps(
                [
                    {
                        "id": "78687",
                        "label": "holding potato next to vicks vaporub bottle",
                        "template": holding,
                        "placeholders": ["potato", "vicks vaporub bottle"],
                    }
                ]
            ),
            "labels/validation.json": json.dumps(
                [
                    {
                        "id": "42326",
                        "label": "moving pen up",
                        "template": "Moving [something] up",
                        "placeholders": ["pen"],
                    }
                ]
            ),
            "labels/test.json": json.dumps([{"id": "1420"}]),
        },
    )
    return root


def ucf101(root: Path, video: Path) -> Path:
    """UCF101 with two of its three splits; its lists end lines as Windows does."""
    put(
        root,
        video,
        "UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi",
        "UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi",
        "UCF-101/Archery/v_Archery_g08_c02.avi",
    )
    write(
        root / "ucfTrainTestlist",
        {
            "classInd.txt": "1 ApplyEyeMakeup\r\n2 Archery\r\n",
            "trainlist01.txt": "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1\r\n"
            "Archery/v_Archery_g08_c02.avi 2\r\n",
            "testlist01.txt": "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi\r\n",
            "trainlist02.txt": "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi 1\r\n",
            "testlist02.txt": "Archery/v_Archery_g08_c02.avi\r\n",
        },
    )
    return root


def hmdb51(root: Path, video: Path) -> Path:
    """HMDB51 with one of its three splits; its names have anything in them."""
    put(
        root,
        video,
        "videos/brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_0.avi",
        "videos/brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_1.avi",
        "videos/cartwheel/(Rad)Schlag_die_Bank!_cartwheel_f_cm_np1_le_med_0.avi",
        "videos/cartwheel/#18_cartwheel_f_cm_np1_le_med_0.avi",
    )
    write(
        root / "testTrainMulti_7030_splits",
        {
            "brush_hair_test_split1.txt": "April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1 \n"
            "April_09_brush_hair_u_nm_np1_ba_goo_1.avi 0 \n",
            "cartwheel_test_split1.txt": "(Rad)Schlag_die_Bank!_cartwheel_f_cm_np1_le_med_0.avi 2 "
            "\n#18_cartwheel_f_cm_np1_le_med_0.avi 1 \n",
        },
    )
    return root


def class_folders(root: Path, video: Path) -> Path:
    """A folder per class in folders of subsets."""
    put(root, video, "train/lying/a.mp4", "train/standing/b.MP4", "val/lying/day 2/c.mkv")
    return root


def path_list(root: Path, video: Path) -> Path:
    """What MMAction2 reads: lists of paths and numbers, and the names of classes."""
    put(root, video, "videos/some clip 1.mp4", "videos/deep/b.mp4", "videos/c.mp4")
    write(
        root,
        {
            "train_list_videos.txt": "some clip 1.mp4 1\ndeep/b.mp4 0\n",
            "val_list_videos.txt": "c.mp4 0 1\n",
            "label_map.txt": "air drumming\nwrapping present\n",
        },
    )
    return root


def activitynet(root: Path, video: Path) -> Path:
    """ActivityNet 1.3: its taxonomy is a tree, and test videos have no annotations."""
    put(root, video, "videos/v_sJbNS3TxTSs.mp4", "videos/v_0dkIbKXXFzI.mp4", "videos/v_test1.mkv")
    node = {"parentId": 1, "parentName": "Household"}
    root_node = {"nodeId": 0, "nodeName": "Root", "parentId": None, "parentName": None}
    middle = {"nodeId": 1, "nodeName": "Household", "parentId": 0, "parentName": "Root"}
    content = {
        "version": "VERSION 1.3",
        "taxonomy": [
            root_node,
            middle,
            {"nodeId": 2, "nodeName": "Preparing salad", **node},
            {"nodeId": 3, "nodeName": "Hand washing clothes", **node},
        ],
        "database": {
            "sJbNS3TxTSs": {
                "duration": 1.2,
                "subset": "training",
                "resolution": "320x240",
                "url": "https://www.youtube.com/watch?v=sJbNS3TxTSs",
                "annotations": [
                    {"segment": [0.01, 0.5], "label": "Preparing salad"},
                    {"segment": [0.5, 1.1], "label": "Hand washing clothes"},
                ],
            },
            "0dkIbKXXFzI": {
                "duration": 1.2,
                "subset": "validation",
                "annotations": [{"segment": [0, 1.2], "label": "Preparing salad"}],
            },
            "test1": {"duration": 1.2, "subset": "testing", "annotations": []},
        },
    }
    write(root, {"activity_net.v1-3.min.json": json.dumps(content)})
    return root


def ava(root: Path, video: Path) -> Path:
    """AVA 2.2: no header, an action a row, and seconds that are left out."""
    put(root, video, "trainval/-5KQ66BBWC4.mkv", "trainval/_7oWZq_s_Sk.mp4")
    write(
        root / "annotations",
        {
            "ava_train_v2.2.csv": "-5KQ66BBWC4,0902,0.077,0.151,0.283,0.811,80,1\n"
            "-5KQ66BBWC4,0902,0.077,0.151,0.283,0.811,12,1\n"
            "-5KQ66BBWC4,0902,0.226,0.032,0.366,0.497,12,0\n"
            "-5KQ66BBWC4,0903,0.1,0.1,0.3,0.8,12,0\n",
            "ava_val_v2.2.csv": "_7oWZq_s_Sk,0909,0.000,0.153,0.293,0.992,1,5\n",
            "ava_train_excluded_timestamps_v2.2.csv": "-5KQ66BBWC4,0903\n",
            "ava_action_list_v2.2.pbtxt": AVA_ACTIONS,
        },
    )
    return root


def cvb(root: Path, video: Path) -> Path:
    """CVB, in the form of AVA; its frames are pictures, which somebody made videos of."""
    cut = "0002_arm01_gopro1_20200322_222554_beh2_ani1_ins1_cut_1"
    other = "0002_arm01_gopro1_20200322_222554_beh2_ani1_ins1_cut_2"
    put(root, video, f"videos/{cut}.mp4", f"videos/{other}.mp4")
    write(
        root / "data/cvb_in_ava_format",
        {
            "ava_train_set.csv": f"{cut},0,0.1,0.2,0.3,0.4,2,7\n{cut},1,0.1,0.2,0.3,0.4,3,7\n",
            "ava_val_set.csv": f"{other},1,0.5,0.5,1.0,1.0,2,3\n",
            "train_set_tasklist.csv": f"{cut}",
            "behaviour_list.pbtx": CVB_ACTIONS,
        },
    )
    return root
