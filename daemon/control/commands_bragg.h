#pragma once

#include "daemon/control/request.h"
#include "processing/products/bragg_plan.h"

/* What the commands of the Bragg reflections share. */

/* Makes a plan use a reference by its name; false: the request was refused, for `field`. */
bool bragg_use_reference(const struct control_service *service, struct request *request,
                         const char *name, const char *field, struct bragg_plan *plan);

/* Puts a plan in force and answers {settings, run, version}, or refuses. `again`: also searches a
 * run that is over. */
void bragg_change(const struct control_service *service, struct request *request,
                  const struct bragg_plan *plan, bool again);

/* Searches the newest run, which is over, again with the settings in force, in the background, and
 * puts into `result` whether it does (`again`), and if not, why (`why_not`). */
void bragg_search_again(const struct control_service *service, json_t *result);

/* A run's Bragg reflections are others now: an event as of results that were computed again, with
 * which the maps are sent once more. `text`: what happened; `error`: "" or why not as it should. */
void bragg_tell_changed(const struct control_service *service, const struct run *run,
                        const char *text, const char *error);

/* A plan as bragg_settings takes it. New reference. */
json_t *bragg_plan_json(const struct bragg_plan *plan);
