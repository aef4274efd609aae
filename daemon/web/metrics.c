#include "daemon/web/metrics.h"

#include <stdlib.h>

#include "daemon/web/web_internal.h"

#define WEB_COUNT(member) .offset = offsetof(struct web, counts.member)

const struct metric metrics[] = {
    {"merlind_info", "gauge", "version, isa", "Always 1; tells the version and the kernels in use",
     metric_version},
    {"merlind_state", "gauge", "state", "1 for the state that the service is in", metric_is_state,
     "state"},
    {"merlind_status_age_seconds", "gauge", NULL, "Age of what is told here of the service",
     metric_status_age},
    {"merlind_detector_link_up", "gauge", "link", "Whether a link to the detector is up",
     metric_link_up, "detector"},
    {"merlind_run_frames", "gauge", "fate", "Frames of the newest run by what became of them",
     metric_members, "frames"},
    {"merlind_run_frames_per_second", "gauge", NULL, "Frames that come, over the last second or so",
     metric_number, "run.rate"},
    {"merlind_run_stalls", "gauge", NULL, "Times that the detector was held up in the newest run",
     metric_number, "run.stalls.episodes"},
    {"merlind_run_stall_seconds", "gauge", NULL, "How long it was held up in all", metric_number,
     "run.stalls.held_up_s"},
    {"merlind_ring_size_bytes", "gauge", NULL, "Memory for frames before their analysis",
     metric_number, "ring.size"},
    {"merlind_ring_used_bytes", "gauge", NULL, "How much of it is in use", metric_number,
     "ring.used"},
    {"merlind_ring_fill_ratio", "gauge", NULL, "Used over size", metric_number, "ring.fill"},
    {"merlind_ring_high_water_ratio", "gauge", NULL, "The highest fill of the newest run",
     metric_number, "ring.high_water"},
    {"merlind_ring_full_total", "counter", NULL, "Times that reading had to wait for room",
     metric_number, "ring.full_stalls"},
    {"merlind_ring_full_seconds_total", "counter", NULL, "How long it had to wait in all",
     metric_number, "ring.full_stall_s"},
    {"merlind_backlog_size_bytes", "gauge", NULL,
     "Memory for frames of runs without a file that wait for their analysis", metric_number,
     "backlog.size"},
    {"merlind_backlog_used_bytes", "gauge", NULL, "How much of it is in use", metric_number,
     "backlog.used"},
    {"merlind_backlog_high_water_bytes", "gauge", NULL, "The most that was in use", metric_number,
     "backlog.high_water"},
    {"merlind_recording_state", "gauge", "state", "1 for the state of recording", metric_is_state,
     "recording.state"},
    {"merlind_recording_free_bytes", "gauge", NULL, "Room in the directory of recordings",
     metric_number, "recording.bytes_free"},
    {"merlind_recording_raw_bytes", "gauge", NULL, "Pixels recorded of the newest run",
     metric_number, "recording.bytes_raw"},
    {"merlind_recording_written_bytes", "gauge", NULL, "The same after compression", metric_number,
     "recording.bytes_written"},
    {"merlind_recording_lag_frames", "gauge", NULL,
     "Frames of the newest run that wait to be recorded", metric_recording_lag, "frames"},
    {"merlind_recording_waiting_buffers", "gauge", NULL, "Packed chunks that wait for the disk",
     metric_number, "writer.waiting"},
    {"merlind_recording_waiting_bytes", "gauge", NULL, "Their bytes", metric_number,
     "writer.bytes_waiting"},
    {"merlind_recording_behind_seconds", "gauge", NULL,
     "How long what is being written has waited: a disk that stands still shows here",
     metric_number, "writer.behind_s"},
    {"merlind_recording_disk_silent_seconds", "gauge", NULL,
     "For how long the disk has not answered", metric_number, "recording.disk.silent_s"},
    {"merlind_stage_seconds", "histogram", "stage",
     "How long the stages of a chunk take: result (from a frame's arrival to the maps), compress, "
     "wait (for the writer), write (HDF5), flush (HDF5), sync (fdatasync)",
     metric_stages, "times"},
    {"merlind_stray_frames_total", "counter", NULL, "Frames outside of any run", metric_number,
     "stray.frames"},
    {"merlind_stray_bytes_total", "counter", NULL, "Their bytes", metric_number, "stray.bytes"},
    {"merlind_stream_skipped_bytes_total", "counter", NULL, "Bytes that are no MPX message",
     metric_number, "stray.skipped_bytes"},
    {"merlind_stream_resyncs_total", "counter", NULL,
     "Times that the next message had to be searched for", metric_number, "stray.resyncs"},
    {"merlind_workers", "gauge", NULL, "Worker threads", metric_number, "workers"},
    {"merlind_log_dropped_lines_total", "counter", NULL, "Log lines that found the queue full",
     metric_number, "log_dropped"},
    {"merlind_published_messages_total", "counter", "topic", "Messages published by topic",
     metric_members, "published"},
    {"merlind_frame_stream_pullers", "gauge", NULL, "Who is connected to the frame stream",
     metric_number, "frame_stream.pullers"},
    {"merlind_frame_stream_waiting_chunks", "gauge", NULL, "Chunks that wait to be taken from it",
     metric_number, "frame_stream.waiting"},
    {"merlind_frame_stream_hwm_chunks", "gauge", NULL, "How many may", metric_number,
     "frame_stream.hwm"},
    {"merlind_frame_stream_frames_total", "counter", NULL, "Frames that pullers were given",
     metric_number, "frame_stream.streamed"},
    {"merlind_frame_stream_untaken_frames_total", "counter", NULL,
     "Frames that nobody took from the frame stream in time", metric_number,
     "frame_stream.unstreamed"},
    {"merlind_frame_stream_sent_bytes_total", "counter", NULL, "Bytes that pullers were given",
     metric_number, "frame_stream.bytes"},
    {"merlind_requests_total", "counter", "command, result",
     "Requests answered by command and result, ok or the code of the error",
     metric_members_of_members, "requests"},
    {"merlind_web_viewers", "gauge", NULL, "Viewers of the page", metric_count, WEB_COUNT(viewers)},
    {"merlind_web_connections", "gauge", NULL, "Connections to the page's server", metric_count,
     WEB_COUNT(connections)},
    {"merlind_web_viewers_total", "counter", NULL, "Viewers that have come", metric_count,
     WEB_COUNT(viewers_ever)},
    {"merlind_web_messages_total", "counter", NULL, "Messages sent to viewers", metric_count,
     WEB_COUNT(messages)},
    {"merlind_web_sent_bytes_total", "counter", NULL, "Their bytes", metric_count,
     WEB_COUNT(bytes)},
    {"merlind_web_requests_total", "counter", NULL, "Requests of viewers that were passed on",
     metric_count, WEB_COUNT(requests)},
    {"merlind_web_http_responses_total", "counter", NULL, "HTTP requests answered", metric_count,
     WEB_COUNT(http)},
    {"merlind_web_refused_total", "counter", "reason", "What was refused, by reason",
     metric_refusals},
    {NULL},
};

char *metrics_text(const struct web *web)
{
    char *text = NULL;
    size_t size;
    FILE *const out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (const struct metric *metric = metrics; metric->name; metric++) {
        fprintf(out, "# HELP %s %s.\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                metric->type);
        metric->print(metric, web, out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

void metrics_print_table(FILE *out)
{
    fputs("| name | type | labels | |\n|---|---|---|---|\n", out);
    for (const struct metric *metric = metrics; metric->name; metric++)
        fprintf(out, "| `%s` | %s | %s | %s |\n", metric->name, metric->type,
                metric->labels ? metric->labels : "", metric->help);
}
