/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a DDI server: "WIDTH answer": the same is read whatever the pieces, what is accepted is bounded, and whole
 * check-ins with such answers end. */
#include <stdlib.h>
#include <string.h>

#include "hawkbit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good)
{
    if (!good)
        abort();
}

static ota_err read_in(struct otai_hb_reader *r, const uint8_t *p, size_t len, size_t piece)
{
    ota_err err = OTA_OK;

    otai_hb_reader_init(r);
    for (size_t at = 0; at < len && err == OTA_OK; at += piece)
        err = otai_hb_reader_bytes(r, p + at, len - at < piece ? len - at : piece);
    return err == OTA_OK ? otai_hb_reader_end(r) : err;
}

static void same_in_pieces(const uint8_t *p, size_t len, size_t piece)
{
    static struct otai_hb_reader whole, pieces;
    ota_err err = read_in(&whole, p, len, len ? len : 1);

    require(err == read_in(&pieces, p, len, piece));
    require(memcmp(&whole.answer, &pieces.answer, sizeof whole.answer) == 0);
    require(err == OTA_OK || ota_err_class(err) == OTA_CLASS_REJECT);
    require(err != OTA_OK || !whole.answer.has_seq || whole.answer.seq > 0);
    require(memchr(whole.answer.id, 0, sizeof whole.answer.id) != NULL);
}

/* Every request gets this answer, after a start that found the box as it is. Whatever it is, the box can be stored and read again. */
static void check_in(struct otai_hb_box *box, const uint8_t *p, size_t len, size_t piece)
{
    static struct otai_hb h;
    const struct ota_hawkbit cfg = { .size = sizeof cfg, .url = "https://h/", .target_token = "t" };
    const struct otai_hb_facts facts = {
        .device_id = "d", .product = "p", .group = "g", .version = "1", .utc_s = 1, .taken_up = box->state
    };
    struct otai_hb_box back;
    struct otai_hb_request q;
    struct ota_fault why;
    uint8_t bytes[OTAI_HB_BOX_MAX];
    int exchanges = 0;

    otai_hb_begin(&h, &cfg, box, &facts, OTAI_HB_ALL);
    while (otai_hb_next(&h, &q) == OTA_AGAIN) {
        require(++exchanges < 64);
        require(strlen(q.file) < OTAI_HB_FILE_MAX && !strpbrk(q.file, " \r\n#"));
        for (size_t at = 0; at < len; at += piece)
            otai_hb_body(&h, p + at, len - at < piece ? len - at : piece);
        if (otai_hb_answered(&h, OTA_DONE, 200, &why) != OTA_OK)
            break;
    }
    require(otai_hb_box_decode(bytes, otai_hb_box_encode(box, bytes), &back) == OTA_OK);
    require(memcmp(box, &back, sizeof back) == 0);
}

/* A new device; the same again; and with a result that is owed. */
static void lifetime(const uint8_t *p, size_t len, size_t piece)
{
    struct otai_hb_box box = { .state = OTAI_HB_NONE };

    check_in(&box, p, len, piece);
    check_in(&box, p, len, piece);
    if (otai_hb_result(&box, OTAI_HB_STORED, NULL, "1"))
        check_in(&box, p, len, piece);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t piece = data[0] % 31u + 1u;
    same_in_pieces(data + 1, size - 1, piece);
    lifetime(data + 1, size - 1, piece);
    return 0;
}
