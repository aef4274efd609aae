/*
 * The ring's claim and release (processing/ring.c) for an exhaustive search by spin: one ingest thread, two workers, chunks that are opened,
 * filled frame by frame, claimed, waited for, released and reused. run.sh runs it.
 *
 * What is shown: every chunk is claimed once and by one worker, no worker looks at a chunk that is not its own or whose place is used again,
 * every frame is seen, and nobody sleeps for ever, though here no sleep ends by a timeout as it would in the daemon.
 *
 * Stores are late: each thread has a buffer from which its stores reach the memory in order, at any time later, unless a fence waits for it (as
 * x86-64 has it, the only machine that is packaged; an atomic exchange or addition goes to the memory at once). A thread sees its own
 * stores. So a fence that is missing is found. Variants that are wrong on purpose, one macro each, must be found wrong:
 *
 *     NO_FENCE_IN_OPEN        ingest looks for sleepers before its chunk can be seen
 *     NO_FENCE_IN_RELEASE     a worker looks for a wish for room before its release can be seen
 *     NO_SECOND_LOOK          a worker sleeps without looking again after it said so
 *     NO_SECOND_LOOK_FOR_ROOM ingest waits for room without looking again
 *     STALE_SIGNAL            the signal is read after the look for work
 *     CLAIM_WITHOUT_EXCHANGE  load and store in place of compare and exchange
 *     REUSE_EARLY             room is given away before the chunk is released
 */
#define WORKERS 2
#ifndef SLOTS
#    define SLOTS 2 /* chunks that the ring has room for */
#endif
#ifndef CHUNKS
#    define CHUNKS 3 /* that come */
#endif
#ifndef FRAMES
#    define FRAMES 2 /* of a chunk */
#endif
#define CLOSED 8

/* The memory. */
byte published, claimed, work_signal;
bool announced[WORKERS]; /* sleepers, of whom it is the sum */
bool space_wanted, stopping;
byte progress[SLOTS];
bool sleeping[SLOTS], released[SLOTS];

/* The kernel: who sleeps where, and the event loop's call. */
bool asleep[WORKERS], chunk_asleep[WORKERS];
bool space;

/* What must be true. */
byte owner[SLOTS];   /* worker + 1, 0: nobody */
byte content[SLOTS]; /* number of the chunk that is there */
byte taken[CHUNKS];

mtype = { PUBLISHED, ANNOUNCED, SPACE_WANTED, PROGRESS, SLEEPING, RELEASED };

/* Stores on their way; the last one is ingest's. */
chan late[3] = [4] of { mtype, byte, byte };
#define INGEST WORKERS

#define store(who, what, index, value) late[who]!what, index, value
#define fence(who) empty(late[who])

proctype arrive(byte who)
{
	byte index, value;
end:
	do
	:: atomic { late[who]?PUBLISHED(index, value) -> published = value }
	:: atomic { late[who]?ANNOUNCED(index, value) -> announced[index] = value }
	:: atomic { late[who]?SPACE_WANTED(index, value) -> space_wanted = value }
	:: atomic { late[who]?PROGRESS(index, value) -> progress[index] = value }
	:: atomic { late[who]?SLEEPING(index, value) -> sleeping[index] = value }
	:: atomic { late[who]?RELEASED(index, value) -> released[index] = value }
	od
}

/* ---- ingest ---- */

inline reclaim()
{
	do
	:: oldest < opened ->
		atomic {
			if
#ifdef REUSE_EARLY
			:: true -> oldest++
#else
			:: released[oldest % SLOTS] -> oldest++
#endif
			:: else -> break
			fi
		}
	:: else -> break
	od
}

inline look_for_sleepers()
{
	if
	:: announced[0] || announced[1] ->
		work_signal++;
		atomic { /* futex_wake_one */
			if
			:: asleep[0] -> asleep[0] = false
			:: asleep[1] -> asleep[1] = false
			:: else
			fi
		}
	:: else
	fi
}

proctype ingest()
{
	byte opened, oldest, frame, slot;
	do
	:: opened < CHUNKS ->
		/* ring_open_chunk */
retry:
		reclaim();
		if
		:: opened - oldest < SLOTS
		:: else ->
			store(INGEST, SPACE_WANTED, 0, 1);
			fence(INGEST);
#ifndef NO_SECOND_LOOK_FOR_ROOM
			reclaim();
#endif
			if
			:: opened - oldest < SLOTS
			:: else ->
				atomic { space -> space = false };
				goto retry
			fi
		fi;
		slot = opened % SLOTS;
		atomic {
			assert(owner[slot] == 0);
			content[slot] = opened;
			/* At once: nobody else looks before `published` has arrived, which is behind them. */
			progress[slot] = 0;
			sleeping[slot] = false;
			released[slot] = false;
			opened++
		};
		store(INGEST, PUBLISHED, 0, opened);
#ifndef NO_FENCE_IN_OPEN
		fence(INGEST);
#endif
		look_for_sleepers();
		/* ring_append, ring_publish */
		frame = 0;
		do
		:: frame < FRAMES ->
			frame++;
			store(INGEST, PROGRESS, slot, frame + (frame == FRAMES -> CLOSED : 0));
			fence(INGEST);
			if
			:: sleeping[slot] ->
				atomic { /* futex_wake_one on the chunk's progress */
					if
					:: owner[slot] > 0 -> chunk_asleep[owner[slot] - 1] = false
					:: else
					fi
				}
			:: else
			fi
		:: else -> break
		od
	:: else -> break
	od;
	/* workers_destroy: ring_nudge */
	fence(INGEST);
	stopping = true;
	work_signal++;
	if
	:: announced[0] || announced[1] -> atomic { asleep[0] = false; asleep[1] = false }
	:: else
	fi
}

/* ---- workers ---- */

/* Sets `chunk`, NONE when there is none. */
#define NONE 255

#ifdef CLAIM_WITHOUT_EXCHANGE
inline claim_now()
{
	chunk = claimed;
	if
	:: chunk < published -> claimed = chunk + 1
	:: else -> chunk = NONE
	fi
}
#else
/* One step, that of the exchange that succeeds: `published` never goes back. */
inline claim_now()
{
	atomic {
		if
		:: claimed < published -> chunk = claimed; claimed++
		:: else -> chunk = NONE
		fi
	}
}
#endif

inline wait_for_frames()
{
	seen = 0;
	do
	:: now = progress[slot];
		if
		:: now < CLOSED && now <= seen ->
			store(me, SLEEPING, slot, 1);
			fence(me);
			now = progress[slot];
			if
			:: now < CLOSED && now <= seen ->
				atomic { /* futex_wait */
					if
					:: progress[slot] == now -> chunk_asleep[me] = true
					:: else
					fi
				};
				!chunk_asleep[me]
			:: else
			fi;
			store(me, SLEEPING, slot, 0);
			now = progress[slot]
		:: else
		fi;
		atomic {
			assert(owner[slot] == me + 1 && content[slot] == chunk);
			seen = now % CLOSED
		};
		if
		:: now >= CLOSED -> break
		:: else
		fi
	od
}

proctype worker(byte me)
{
	byte chunk, slot, seen, now, signal;
	bool last;
	do
	::
#ifndef STALE_SIGNAL
		signal = work_signal;
#endif
		last = stopping;
		claim_now();
		if
		:: chunk == NONE && last -> break
		:: chunk == NONE && !last ->
			store(me, ANNOUNCED, me, 1);
			fence(me);
#ifndef NO_SECOND_LOOK
			claim_now();
#endif
#ifdef STALE_SIGNAL
			signal = work_signal;
#endif
			if
			:: chunk == NONE ->
				atomic { /* futex_wait */
					if
					:: work_signal == signal -> asleep[me] = true
					:: else
					fi
				};
				!asleep[me];
				claim_now()
			:: else
			fi;
			store(me, ANNOUNCED, me, 0)
		:: else
		fi;
		if
		:: chunk != NONE ->
			slot = chunk % SLOTS;
			atomic {
				assert(owner[slot] == 0 && content[slot] == chunk);
				owner[slot] = me + 1;
				taken[chunk]++;
				assert(taken[chunk] == 1)
			};
			wait_for_frames();
			/* What is not looked at again is set back, for fewer states. */
			atomic { assert(seen == FRAMES); owner[slot] = 0; seen = 0; now = 0; signal = 0; last = false };
			/* ring_release */
			store(me, RELEASED, slot, 1);
#ifndef NO_FENCE_IN_RELEASE
			fence(me);
#endif
			if
			:: space_wanted -> atomic { if :: space_wanted -> space_wanted = false; space = true :: else fi }
			:: else
			fi
		:: else
		fi
	od
}

init {
	atomic {
		run arrive(0);
		run arrive(1);
		run arrive(INGEST);
		run ingest();
		run worker(0);
		run worker(1)
	};
	_nr_pr == 4; /* all but the buffers' and this one have ended */
	assert(claimed == CHUNKS) /* each is taken once at most */
}
