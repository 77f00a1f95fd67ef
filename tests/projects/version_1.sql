-- A project as version 1 wrote it: `iterdump` of it. Never changed; later versions must read it.
BEGIN TRANSACTION;
CREATE TABLE behaviours (
        id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: the history names them
        position INTEGER NOT NULL,
        name TEXT NOT NULL UNIQUE,
        colour TEXT NOT NULL,
        key TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('state', 'point')),
        axis TEXT NOT NULL,
        description TEXT NOT NULL
    );
INSERT INTO "behaviours" VALUES(1,0,'liegen 🐖','#e69f00','l','state','posture','');
INSERT INTO "behaviours" VALUES(2,1,'standing','#56b4e9','','state','posture','');
INSERT INTO "behaviours" VALUES(3,2,'rolling','#009e73','','point','posture','');
CREATE TABLE bouts (
        id INTEGER PRIMARY KEY,
        video_id INTEGER NOT NULL REFERENCES videos (id),
        start_us INTEGER NOT NULL,
        end_us INTEGER NOT NULL CHECK (end_us >= start_us),
        -- Deferred: an undo may put bouts and their behaviour back in either order.
        behaviour_id INTEGER NOT NULL REFERENCES behaviours (id) DEFERRABLE INITIALLY DEFERRED,
        subject TEXT NOT NULL,
        author TEXT NOT NULL,
        comment TEXT NOT NULL,
        score REAL,
        source TEXT NOT NULL CHECK (source IN ('human', 'model'))
    );
INSERT INTO "bouts" VALUES(1,1,33367,12500000,1,'','Zoë','two
lines',NULL,'human');
INSERT INTO "bouts" VALUES(2,1,3000000,3000000,3,'sow 12','','',NULL,'human');
CREATE TABLE changes (
        revision INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL CHECK (kind IN ('edit', 'undo', 'redo', 'restore')),
        words TEXT NOT NULL,
        author TEXT NOT NULL,
        at TEXT NOT NULL,
        -- Of an edit. Dropped: undone, and another edit came then.
        state TEXT CHECK (state IN ('done', 'undone', 'dropped')),
        edit INTEGER REFERENCES changes (revision) -- which edit was undone or redone
    );
INSERT INTO "changes" VALUES(1,'edit','added 3 behaviours of another ethogram','','2026-05-01T06:00:00+02:00','done',NULL);
INSERT INTO "changes" VALUES(2,'edit','added lying, 00:00 to 00:12 in pen 2.mp4','Zoë','2026-05-01T06:00:00+02:00','done',NULL);
INSERT INTO "changes" VALUES(3,'edit','added rolling of sow 12, at 00:03.0 in pen 2.mp4','','2026-05-01T06:00:00+02:00','done',NULL);
INSERT INTO "changes" VALUES(4,'edit','marked as not scored: posture, 00:20 to 00:30 in pen 2.mp4','','2026-05-01T06:00:00+02:00','done',NULL);
INSERT INTO "changes" VALUES(5,'edit','renamed lying to liegen 🐖','','2026-05-01T06:00:00+02:00','done',NULL);
INSERT INTO "changes" VALUES(6,'edit','marked as scored: all axes, 00:00 to 00:15 in pen 2.mp4','','2026-05-01T06:00:00+02:00','undone',NULL);
INSERT INTO "changes" VALUES(7,'undo','undid: marked as scored: all axes, 00:00 to 00:15 in pen 2.mp4','','2026-05-01T06:00:00+02:00',NULL,6);
CREATE TABLE parts (
        id INTEGER PRIMARY KEY,
        revision INTEGER NOT NULL REFERENCES changes (revision),
        of TEXT NOT NULL CHECK (of IN ('behaviour', 'bout', 'span', 'video')),
        video_id INTEGER REFERENCES videos (id), -- NULL: of a behaviour
        removed TEXT NOT NULL,
        added TEXT NOT NULL
    );
INSERT INTO "parts" VALUES(1,1,'behaviour',NULL,'[]','[[1,0,"lying","#e69f00","l","state","posture",""],[2,1,"standing","#56b4e9","","state","posture",""],[3,2,"rolling","#009e73","","point","posture",""]]');
INSERT INTO "parts" VALUES(2,2,'bout',1,'[]','[[33367,12500000,1,"","Zoë","two\nlines",null,"human"]]');
INSERT INTO "parts" VALUES(3,3,'bout',1,'[]','[[3000000,3000000,3,"sow 12","","",null,"human"]]');
INSERT INTO "parts" VALUES(4,4,'span',1,'[]','[["not scored",20000000,30000000,"","posture"]]');
INSERT INTO "parts" VALUES(5,5,'behaviour',NULL,'[[1,0,"lying","#e69f00","l","state","posture",""]]','[[1,0,"liegen 🐖","#e69f00","l","state","posture",""]]');
INSERT INTO "parts" VALUES(6,6,'span',1,'[]','[["scored",0,15000000,"","posture"]]');
INSERT INTO "parts" VALUES(7,7,'span',1,'[["scored",0,15000000,"","posture"]]','[]');
CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        video_id INTEGER REFERENCES videos (id), -- NULL: of a camera, an address, or no one's video
        source TEXT NOT NULL,
        model TEXT NOT NULL,
        settings TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN
            ('running', 'paused', 'finished', 'stopped', 'failed', 'interrupted')),
        progress_seconds REAL NOT NULL,
        error TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    );
INSERT INTO "runs" VALUES('87c0cefea7494ca1a2ba53ab2c849138',1,'/footage/pen 2.mp4','spool-nano','{"l_mem": 25}','finished',60.0,'','2026-05-01T06:00:00+02:00','2026-05-01T06:00:00+02:00');
CREATE TABLE spans (
        id INTEGER PRIMARY KEY,
        video_id INTEGER NOT NULL REFERENCES videos (id),
        what TEXT NOT NULL CHECK (what IN ('scored', 'not scored')),
        start_us INTEGER NOT NULL,
        end_us INTEGER NOT NULL CHECK (end_us > start_us),
        subject TEXT NOT NULL,
        axis TEXT NOT NULL
    );
INSERT INTO "spans" VALUES(1,1,'not scored',20000000,30000000,'','posture');
CREATE TABLE videos (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        path, -- text, or bytes where it is no Unicode; NULL: known from labels only
        is_inside INTEGER NOT NULL, -- path is then relative to the project's folder
        size_bytes INTEGER,
        modified_ns INTEGER,
        fingerprint TEXT,
        duration_seconds REAL,
        fps REAL,
        start TEXT,
        start_from TEXT CHECK (start_from IN ('typed', 'metadata', 'name')),
        is_shown INTEGER NOT NULL, -- 0: taken out of the project, which can be undone
        added_at TEXT NOT NULL
    );
INSERT INTO "videos" VALUES(1,'pen 2.mp4','/footage/pen 2.mp4',0,3000,1796035236185108753,'1-3000-9b2aa6590db3c7266b17832b1ca7234b',60.06,29.97,'2026-05-01T06:00:00+02:00','name',1,'2026-05-01T06:00:00+02:00');
CREATE INDEX bouts_of_video ON bouts (video_id, start_us);
CREATE INDEX bouts_of_behaviour ON bouts (behaviour_id);
CREATE INDEX spans_of_video ON spans (video_id, start_us);
CREATE INDEX changes_by_state ON changes (state, revision);
CREATE INDEX parts_of_revision ON parts (revision);
CREATE INDEX parts_of_video ON parts (video_id, revision);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('behaviours',3);
INSERT INTO "sqlite_sequence" VALUES('changes',7);
INSERT INTO "sqlite_sequence" VALUES('videos',1);
COMMIT;
