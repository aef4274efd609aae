#include "processing/bragg/bragg_grid.h"

void bragg_grid_init(struct bragg_grid *grid, const struct bragg_settings *settings,
                     uint32_t height, uint32_t width, uint32_t reach)
{
    const double top = ceil(settings->centre_y - settings->outer);
    const double left = ceil(settings->centre_x - settings->outer);
    *grid = (struct bragg_grid){
        .top = top > 0 ? (uint32_t)top : 0,
        .left = left > 0 ? (uint32_t)left : 0,
        .border = reach,
        .frame_height = height,
        .frame_width = width,
    };
    const uint32_t bottom = (uint32_t)floor(settings->centre_y + settings->outer);
    const uint32_t right = (uint32_t)floor(settings->centre_x + settings->outer);
    grid->rows = (bottom < height ? bottom : height - 1) - grid->top + 1;
    grid->columns = (right < width ? right : width - 1) - grid->left + 1;
    /* One column at least is no place's, so that none is beside one of the next row. */
    grid->stride = (grid->columns + BRAGG_LANES) / BRAGG_LANES * BRAGG_LANES;
    grid->buffer_stride = grid->stride + BRAGG_BORDER;
    grid->map_size = (size_t)grid->rows * grid->stride;
    grid->buffer_size =
        (size_t)(grid->rows + 2 * reach) * grid->buffer_stride + 2 * (size_t)BRAGG_BORDER;
}
