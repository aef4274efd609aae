#pragma once

#include "daemon/calibration/calibration_measure.h"
#include "daemon/calibration/halo_references.h"
#include "daemon/control/request.h"

/* The halo of the newest run, for calibration_measure, halo_strain and bragg_propose. */

/* Answers a request from the newest run's sum pattern. */
typedef void (*pattern_answer_fn)(const struct control_service *service, struct request *request,
                                  const json_t *args, const struct summed_pattern *pattern,
                                  const struct run *run);

/* Calls `answer` with that pattern, or refuses the request with a sentence. */
void measure_newest_pattern(const struct control_service *service, struct request *request,
                            const json_t *args, pattern_answer_fn answer);

/*
 * Measures it in a pattern. `args`: inner, outer and centre of the window, pixels; what is left out
 * is that of `like` (may be NULL), else found in the pattern. false: the request was refused.
 */
bool measure_halo_take(struct request *request, const json_t *args,
                       const struct halo_reference *like, const struct summed_pattern *pattern,
                       const struct calibration *calibration, const struct run *run,
                       struct halo_reference *measured);

/* Keeps it under args.save_as when that is given. false: the request was refused. */
bool measure_halo_save(struct request *request, const struct control_service *service,
                       const json_t *args, const struct halo_reference *measured);

/* {centre, ellipse, radius_px, fwhm_px, k, ...} with errors; k null without a calibration. */
json_t *measure_halo_json(const struct halo_reference *measured,
                          const struct calibration *calibration);

/* What makes a halo that was measured at a camera length (NaN: not known) hard to compare with the
 * reference, sentences for a person. New reference. */
json_t *halo_warnings_json(double camera_length, const struct halo_reference *reference);

/* The reference that args.reference names, of frames of that size. false: the request was refused.
 */
bool halo_take_reference(const struct control_service *service, struct request *request,
                         const json_t *args, uint32_t height, uint32_t width,
                         struct halo_reference *reference);
