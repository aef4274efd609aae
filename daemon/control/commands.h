#pragma once

#include "daemon/control/request.h"

/* What the files of the commands share. */

/* The answer of the acquisition becomes the reply to the request that is `data`. */
void command_answer(void *data, json_t *result, const char *code, const char *field,
                    const struct error *error);

/*
 * Reads scan, order, positions, repeats, skip and shift, whichever are there. A list of positions
 * is the caller's to unref. false: the request was refused, and there is no list.
 */
bool command_take_geometry(struct request *request, const json_t *args,
                           struct geometry_request *geometry);

/* The run that args.run names, else the newest; borrowed until the next turn of the loop. NULL: the
 * request was refused. commands_results.c */
struct run *command_take_run(const struct control_service *service, struct request *request,
                             const json_t *args);

/* commands_logbook.c */
void command_note(const struct control_service *service, struct request *request, json_t *args);
void command_samples_put(const struct control_service *service, struct request *request,
                         json_t *args);
void command_samples(const struct control_service *service, struct request *request, json_t *args);
/* commands_recordings.c */
void command_recording_keep(const struct control_service *service, struct request *request,
                            json_t *args);
void command_recording_discard(const struct control_service *service, struct request *request,
                               json_t *args);
void command_recordings_discarded(const struct control_service *service, struct request *request,
                                  json_t *args);
/* commands_runs.c */
void command_runs(const struct control_service *service, struct request *request, json_t *args);
void command_run_open(const struct control_service *service, struct request *request, json_t *args);
void command_run_close(const struct control_service *service, struct request *request,
                       json_t *args);
/* commands_start.c */
void command_start(const struct control_service *service, struct request *request, json_t *args);
/* commands_geometry.c */
void command_geometry(const struct control_service *service, struct request *request, json_t *args);
void command_record(const struct control_service *service, struct request *request, json_t *args);
/* commands_detectors.c */
void command_detectors(const struct control_service *service, struct request *request,
                       json_t *args);
void command_detector(const struct control_service *service, struct request *request, json_t *args);
void command_remove_detector(const struct control_service *service, struct request *request,
                             json_t *args);
void command_recompute(const struct control_service *service, struct request *request,
                       json_t *args);
/* commands_calibration.c, commands_calibration_measure.c, commands_halo_strain.c */
void command_calibration(const struct control_service *service, struct request *request,
                         json_t *args);
void command_bad_pixels_save(const struct control_service *service, struct request *request,
                             json_t *args);
void command_gain_save(const struct control_service *service, struct request *request,
                       json_t *args);
void command_calibrations(const struct control_service *service, struct request *request,
                          json_t *args);
void command_calibration_save(const struct control_service *service, struct request *request,
                              json_t *args);
void command_calibration_remove(const struct control_service *service, struct request *request,
                                json_t *args);
void command_references(const struct control_service *service, struct request *request,
                        json_t *args);
void command_reference(const struct control_service *service, struct request *request,
                       json_t *args);
void command_reference_attach(const struct control_service *service, struct request *request,
                              json_t *args);
void command_reference_remove(const struct control_service *service, struct request *request,
                              json_t *args);
void command_calibration_measure(const struct control_service *service, struct request *request,
                                 json_t *args);
void command_halo_strain(const struct control_service *service, struct request *request,
                         json_t *args);
/* commands_halo_maps.c */
void command_halo_maps(const struct control_service *service, struct request *request,
                       json_t *args);
/* commands_labels.c */
void command_label_profiles(const struct control_service *service, struct request *request,
                            json_t *args);
/* commands_bragg.c */
void command_bragg(const struct control_service *service, struct request *request, json_t *args);
/* commands_bragg_excluded.c */
void command_bragg_excluded(const struct control_service *service, struct request *request,
                            json_t *args);
/* commands_bragg_settings.c, commands_bragg_reference.c, commands_bragg_propose.c */
void command_bragg_settings(const struct control_service *service, struct request *request,
                            json_t *args);
void command_bragg_reference(const struct control_service *service, struct request *request,
                             json_t *args);
void command_bragg_propose(const struct control_service *service, struct request *request,
                           json_t *args);
/* commands_bragg_injection.c */
void command_bragg_injection_test(const struct control_service *service, struct request *request,
                                  json_t *args);
/* commands_bragg_series.c */
void command_bragg_series(const struct control_service *service, struct request *request,
                          json_t *args);
/* commands_bragg_check.c */
void command_bragg_null_test(const struct control_service *service, struct request *request,
                             json_t *args);
void command_bragg_labels(const struct control_service *service, struct request *request,
                          json_t *args);
/* commands_label_patterns.c */
void command_label_patterns(const struct control_service *service, struct request *request,
                            json_t *args);
/* commands_lease.c */
void command_lease(const struct control_service *service, struct request *request, json_t *args);
/* commands_series.c; command_take_series: false, it was refused */
bool command_take_series(struct request *request, const json_t *args,
                         const struct acquisition_start *start);
void command_series(const struct control_service *service, struct request *request, json_t *args);
/* commands_config.c */
void command_log_level(const struct control_service *service, struct request *request,
                       json_t *args);
void command_config_save(const struct control_service *service, struct request *request,
                         json_t *args);
/* commands_results.c */
void command_map(const struct control_service *service, struct request *request, json_t *args);
void command_named_pattern(const struct control_service *service, struct request *request,
                           json_t *args);
void command_profile(const struct control_service *service, struct request *request, json_t *args);
/* commands_operation.c */
void command_operation(const struct control_service *service, struct request *request,
                       json_t *args);
/* commands_pattern.c */
void command_pattern(const struct control_service *service, struct request *request, json_t *args);
/* commands_live_icom.c */
void command_live_icom(const struct control_service *service, struct request *request,
                       json_t *args);
/* commands_put.c */
void command_maps_put(const struct control_service *service, struct request *request, json_t *args);
/* commands_analysis_com.c */
void command_com(const struct control_service *service, struct request *request, json_t *args);
void command_icom(const struct control_service *service, struct request *request, json_t *args);
/* commands_analysis.c */
void command_map_profile(const struct control_service *service, struct request *request,
                         json_t *args);
void command_map_correlation(const struct control_service *service, struct request *request,
                             json_t *args);
void command_map_drift(const struct control_service *service, struct request *request,
                       json_t *args);
