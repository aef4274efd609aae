#pragma once

#include "daemon/config/icom_settings.h"
#include "processing/run/run.h"

/* How the maps of a live icom are computed (live_icom.h): what their product's `renew` does. */

/* Gives a prepared product of the maps icom, com_magnitude, com_angle its `renew`. -ENOMEM with a
 * sentence. */
int icom_renew_attach(struct product *product, const struct icom_settings *settings,
                      struct error *error);

/* Where the maps come from before they are computed, for free(). NULL: no memory. */
char *icom_provenance(const struct run *run);

/* Any thread; used the next time. */
void icom_renew_set(struct product *product, const struct icom_settings *settings);
