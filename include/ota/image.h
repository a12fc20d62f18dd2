/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Image packages: an image with a signed trailer that says what it is, for which part of a device, and what it needs. The
 * bytes are Azure Sphere's (SPEC.md, "Image packages"); a package is opened by nobody's service and by any key. All of this
 * is useful alone: no I/O, no allocation, no state but the caller's; bytes in, answers out.
 *
 * Which function for what:
 *
 *     ota_package_parse        a trailer in memory: says what it claims, proves nothing
 *     ota_package_verify_*     whole package as a stream, in pieces of any size: signature and requirements
 *     ota_package_find         package at the start of a slot whose length nobody knows: what a boot loader needs
 *     ota_package_write_*      a trailer to be signed
 *     ota_manifest_*           the body of a manifest package: the images of a deployment
 *
 * Every refusal names the section and the field in ota_fault.where ("package.identity", "package.abi_depends.count").
 * Built with OTA_IMAGE.
 */
#ifndef OTA_IMAGE_H
#define OTA_IMAGE_H

#include "ota/port_crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_PACKAGE_TRAILER_MAX 1024u /**< bytes of a trailer, from its magic to its length; a longer one is none */
#define OTA_PACKAGE_SIGNATURE_MAX 96u /**< bytes of a signature: 64 (P-256) or 96 (P-384) */
#define OTA_PACKAGE_TAIL_MAX (OTA_PACKAGE_TRAILER_MAX + OTA_PACKAGE_SIGNATURE_MAX)
#define OTA_PACKAGE_SECTIONS_MAX 24u /**< sections of one trailer */
#define OTA_PACKAGE_ABI_MAX 8u       /**< entries of one ABI section */
#define OTA_PACKAGE_FOUND_MAX 8u     /**< trailers that ota_package_find() tries in one slot */
#define OTA_PACKAGE_NAME_MAX 32u     /**< name in a debug section, with NUL */
#define OTA_PACKAGE_THUMBPRINT_LEN 20u
#define OTA_UID_LEN 16u /**< an identifier, in the order of the file: first three groups little-endian */

/** Sections that are understood. Others are kept as they are. The number is two letters, the first one in the low byte. */
enum ota_package_id {
    OTA_PACKAGE_IDENTITY = 0x4449,     /**< "ID" image type, component, image */
    OTA_PACKAGE_SIGNATURE = 0x4753,    /**< "SG" who signed, and how */
    OTA_PACKAGE_DEBUG = 0x4244,        /**< "DB" build time and name */
    OTA_PACKAGE_TEMPORARY = 0x5054,    /**< "TP" flags of an image that must not stay */
    OTA_PACKAGE_ABI_DEPENDS = 0x444e,  /**< "ND" what it needs */
    OTA_PACKAGE_ABI_PROVIDES = 0x504e, /**< "NP" what it gives */
    OTA_PACKAGE_COMPRESSION = 0x4d43,  /**< "CM" the body is compressed */
    OTA_PACKAGE_SECURITY = 0x5652,     /**< "RV" security version */
    OTA_PACKAGE_FLASH_OFFSET = 0x4f52, /**< "RO" where it must lie */
    OTA_PACKAGE_POLICY = 0x5049        /**< "IP" who may load or drop it */
};

/** Bits of ota_package.has: which sections there are. */
enum ota_package_has {
    OTA_PACKAGE_HAS_IDENTITY = 1u << 0,
    OTA_PACKAGE_HAS_SIGNATURE = 1u << 1,
    OTA_PACKAGE_HAS_DEBUG = 1u << 2,
    OTA_PACKAGE_HAS_TEMPORARY = 1u << 3,
    OTA_PACKAGE_HAS_ABI_DEPENDS = 1u << 4,
    OTA_PACKAGE_HAS_ABI_PROVIDES = 1u << 5,
    OTA_PACKAGE_HAS_COMPRESSION = 1u << 6,
    OTA_PACKAGE_HAS_SECURITY = 1u << 7,
    OTA_PACKAGE_HAS_FLASH_OFFSET = 1u << 8,
    OTA_PACKAGE_HAS_POLICY = 1u << 9
};

/** Flags of a temporary section. */
enum { OTA_TEMPORARY_REMOVE_AT_BOOT = 1, OTA_TEMPORARY_UNDER_DEVELOPMENT = 2 };

/** Kinds of signatures. */
enum { OTA_PACKAGE_ECDSA256 = 1, OTA_PACKAGE_ECDSA384 = 2 };

/** An interface between images: 1 secure world runtime, 2 OS runtime, 3 application runtime, or a maker's own number. */
struct ota_abi {
    uint32_t version;
    uint32_t type;
};

/** A section as it lies in the file. */
struct ota_package_section {
    uint16_t id;
    uint16_t len;        /**< 1.. */
    const uint8_t *data; /**< in the bytes that were parsed */
};

/** A trailer, read. Pointers lead into the bytes that it was read from. What a section that is absent says is 0. */
struct ota_package {
    uint64_t length;        /**< bytes of the package */
    uint64_t body_len;      /**< bytes before the trailer, with up to 3 of padding */
    uint16_t trailer_len;   /**< bytes from magic to trailer length */
    uint16_t signature_len; /**< 64 or 96 */
    uint32_t has;           /**< enum ota_package_has */
    uint16_t image_type;
    uint8_t component[OTA_UID_LEN];
    uint8_t image[OTA_UID_LEN];
    uint8_t thumbprint[OTA_PACKAGE_THUMBPRINT_LEN]; /**< names the key; proves nothing */
    uint32_t signature_type;
    uint64_t built_s; /**< Unix seconds */
    char name[OTA_PACKAGE_NAME_MAX];
    uint32_t temporary;
    uint32_t uncompressed_len, compression;
    uint32_t security;
    uint32_t flash_offset;
    uint32_t policy;
    uint8_t depends_count, provides_count;
    struct ota_abi depends[OTA_PACKAGE_ABI_MAX];
    struct ota_abi provides[OTA_PACKAGE_ABI_MAX];
    uint8_t section_count;
    struct ota_package_section section[OTA_PACKAGE_SECTIONS_MAX]; /**< in the order of the file, unknown ones too */
};

/** What a device demands of a package. What is NULL or 0 demands nothing; only the key is needed. */
struct ota_package_want {
    enum ota_key_kind kind;         /**< OTA_KEY_P256 or OTA_KEY_P384 */
    const uint8_t *key;             /**< 0x04 X Y */
    size_t key_len;                 /**< 65 or 97 */
    const uint8_t *component;       /**< OTA_UID_LEN bytes: the component that it must be for */
    uint32_t security_min;          /**< a security version below is refused; without the section it is 0 */
    uint32_t revoked;               /**< bit n set: security version n (0..31) is not trusted */
    const struct ota_abi *provided; /**< what runs there gives; each need of the package must be met by the same type with
                                          at least its version */
    size_t provided_count;
    uint32_t temporary; /**< flags of temporary images that may run; production devices: 0 */
    bool compressed;    /**< a compressed body is welcome */
};

/**
 * Read the trailer at the end of a package. Pure. Checks every length and every field that can be checked without a key.
 *
 * @param length    bytes of the whole package
 * @param tail      its last bytes: all of them, or at least OTA_PACKAGE_TAIL_MAX. Must outlive *out
 * @return OTA_OK, and *out is filled; else *out is undefined and fault (may be NULL) has the place:
 *         REJECT_MISSING    no trailer; no identity
 *         REJECT_LENGTH     a length reaches too far, is not what its section has, or leaves bytes over
 *         REJECT_VALUE      section count 0, unknown signature type, a name that is no text
 *         REJECT_DUPLICATE  a known section twice
 *         REJECT_LIMIT      more sections or ABI entries than the limits above
 *         USAGE_ARGUMENT    tail_len is more than length
 */
OTA_MUST_CHECK ota_err ota_package_parse(struct ota_package *out, uint64_t length, const uint8_t *tail, size_t tail_len,
                                         struct ota_fault *fault);

/**
 * Does a package meet what a device demands? Pure. Does not look at the signature: call it behind a verification.
 * @return OTA_OK; REJECT_COMPONENT; REJECT_SECURITY (too old, or revoked); REJECT_REQUIRES (an ABI is not provided);
 *         REJECT_VALUE (temporary); REJECT_CODEC (compressed)
 */
OTA_MUST_CHECK ota_err ota_package_check(const struct ota_package *p, const struct ota_package_want *want,
                                         struct ota_fault *fault);

/** A verification under way. Fields belong to the library. */
struct ota_package_verify {
    struct ota_crypto *crypto;
    const struct ota_package_want *want;
    struct ota_fault *fault;
    struct ota_hash hash;
    bool hashing;
    uint64_t length; /* bytes so far */
    size_t tail_len; /* of those, the last that are not hashed yet */
    uint8_t tail[OTA_PACKAGE_TAIL_MAX];
};

/**
 * Begin. crypto, want and fault (may be NULL) are used until the end.
 * @return OTA_OK; USAGE_ARGUMENT: no key, or of a kind or length that cannot sign packages; DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_package_verify_begin(struct ota_package_verify *v, struct ota_crypto *crypto,
                                                const struct ota_package_want *want, struct ota_fault *fault);
/** The next bytes of the package, any number. @return OTA_OK; DEVICE_CRYPTO and USAGE_STATE end the verification */
OTA_MUST_CHECK ota_err ota_package_verify_add(struct ota_package_verify *v, const void *data, size_t len);
/**
 * All bytes were added: judge. Ends the verification. *out (must not be NULL) leads into v.
 * @return OTA_OK: signed by the key, and what was demanded; what ota_package_parse() and ota_package_check() return;
 *         REJECT_MISSING (no signature section); REJECT_KEY (signed with another kind of key); REJECT_SIGNATURE;
 *         DEVICE_CRYPTO; USAGE_STATE (none is under way)
 */
OTA_MUST_CHECK ota_err ota_package_verify_end(struct ota_package_verify *v, struct ota_package *out);
/** Give up; safe at any time after begin. */
void ota_package_verify_cancel(struct ota_package_verify *v);

struct ota_package_reader;
struct ota_package_reader_ops {
    /** Bytes of the slot at an offset; all or nothing. @return OTA_OK, or the DEVICE_ error that stops the search; *port_code
     *  is passed on */
    ota_err (*read)(struct ota_package_reader *r, uint64_t off, void *to, size_t len, int32_t *port_code);
};

/** First member of the caller's own struct. */
struct ota_package_reader {
    const struct ota_package_reader_ops *ops;
};

/**
 * Find and verify the package at the start of a slot whose length nobody knows: other bytes may follow it, also the end of
 * a longer package that was there before. Every trailer is tried, in order, until one signs all that stands before it.
 * Blocks until it is done: it reads the slot once, and again up to each trailer that it tries.
 *
 * @param v     memory; *out leads into it
 * @param size  bytes of the slot
 * @param buf   cap bytes (512.., a multiple of 4) to read through
 * @return OTA_OK; the refusal of the package that the key signed, if there is one, else of the first that looks like one;
 *         REJECT_MISSING: none; REJECT_LIMIT: OTA_PACKAGE_FOUND_MAX were tried; USAGE_ARGUMENT; what read() returned
 */
OTA_MUST_CHECK ota_err ota_package_find(struct ota_package_verify *v, struct ota_package_reader *r, uint64_t size, uint8_t *buf,
                                        size_t cap, struct ota_crypto *crypto, const struct ota_package_want *want,
                                        struct ota_package *out, struct ota_fault *fault);

/** A trailer under construction. The first error latches. Fields belong to the library. */
struct ota_package_writer {
    uint8_t *p;
    size_t cap, len;
    uint32_t count;
    ota_err err;
};

/** Begin a trailer in cap bytes at buf, which belong to the writer until its end. */
void ota_package_write_begin(struct ota_package_writer *w, uint8_t *buf, size_t cap);
/** Any section, also one that this library does not know. */
void ota_package_write_section(struct ota_package_writer *w, uint16_t id, const void *data, size_t len);
void ota_package_write_identity(struct ota_package_writer *w, uint16_t image_type, const uint8_t component[OTA_UID_LEN],
                                const uint8_t image[OTA_UID_LEN]);
/** type: OTA_PACKAGE_ECDSA256 or OTA_PACKAGE_ECDSA384. */
void ota_package_write_signature(struct ota_package_writer *w, const uint8_t thumbprint[OTA_PACKAGE_THUMBPRINT_LEN],
                                 uint32_t type);
/** name: at most 31 bytes; more is REJECT_LIMIT at the end. */
void ota_package_write_debug(struct ota_package_writer *w, uint64_t built_s, const char *name);
void ota_package_write_compression(struct ota_package_writer *w, uint32_t uncompressed_len, uint32_t type);
/** id: OTA_PACKAGE_ABI_DEPENDS or OTA_PACKAGE_ABI_PROVIDES. */
void ota_package_write_abi(struct ota_package_writer *w, enum ota_package_id id, const struct ota_abi *abi, size_t count);
/** id: OTA_PACKAGE_TEMPORARY, _SECURITY, _FLASH_OFFSET, _POLICY. */
void ota_package_write_u32(struct ota_package_writer *w, enum ota_package_id id, uint32_t value);
/**
 * Finish. Behind the body (padded with zeros to a multiple of 4) come these *len bytes, then the signature of both.
 * @return OTA_OK; REJECT_LIMIT: no room, or too long; anything that ota_package_parse() would say about such a trailer
 */
OTA_MUST_CHECK ota_err ota_package_write_end(struct ota_package_writer *w, size_t *len, struct ota_fault *fault);

struct ota;

/**
 * Demand of an agent that images are packages. Each is verified while its slot is sealed, from the bytes that are read back,
 * before it can be armed; TUF's checks stay. Call it behind ota_init(), before anything else.
 *
 * @param want   one per component of the configuration, in its order; NULL: nothing is demanded of it. Must outlive the agent
 * @param count  the configuration's component_count
 * @return OTA_OK; USAGE_ARGUMENT: another count, or a key that cannot sign packages; USAGE_STATE: the agent has begun;
 *         DEVICE_CRYPTO
 */
OTA_MUST_CHECK ota_err ota_demand_packages(struct ota *a, const struct ota_package_want *const *want, size_t count);

#define OTA_MANIFEST_IMAGES_MAX 64u
#define OTA_MANIFEST_HEAD_LEN 16u
#define OTA_MANIFEST_ENTRY_LEN 108u /**< as written; with 76 bytes an entry lacks its digest */
#define OTA_MANIFEST_ABI_MAX 2u

/** A manifest that was checked: the body of a package of image type 23 (base), 24 (firmware), 25 (customer) or 26. */
struct ota_manifest {
    uint64_t built_s;
    uint16_t count;
    uint16_t head_len, entry_len;
    bool hashed;      /**< each entry has a digest */
    const uint8_t *p; /**< the caller's bytes */
};

struct ota_manifest_entry {
    uint8_t image[OTA_UID_LEN];
    uint8_t component[OTA_UID_LEN];
    uint16_t image_type;
    uint16_t partition;
    uint32_t length; /**< bytes of the package */
    uint32_t uncompressed_len;
    struct ota_abi provides[OTA_MANIFEST_ABI_MAX];
    struct ota_abi depends[OTA_MANIFEST_ABI_MAX];
    uint8_t sha256[OTA_SHA256_LEN]; /**< of the package; zero where the manifest is not hashed */
};

/**
 * Check a manifest. Pure. body must outlive m.
 * @param hashes  demand a digest of each image: without, a manifest binds identifiers, not bytes
 * @return OTA_OK; REJECT_SPEC (version is not 3); REJECT_LENGTH (a size reaches too far, or leaves bytes over);
 *         REJECT_LIMIT (more images than OTA_MANIFEST_IMAGES_MAX); REJECT_DUPLICATE (an image or a component twice);
 *         REJECT_MISSING (digest)
 */
OTA_MUST_CHECK ota_err ota_manifest_open(struct ota_manifest *m, const uint8_t *body, size_t len, bool hashes,
                                         struct ota_fault *fault);
/** Entry i, below m->count. Pure. */
void ota_manifest_get(const struct ota_manifest *m, size_t i, struct ota_manifest_entry *out);
/**
 * Write a manifest with digests: OTA_MANIFEST_HEAD_LEN + count * OTA_MANIFEST_ENTRY_LEN bytes.
 * @return OTA_OK; REJECT_LIMIT (no room); what ota_manifest_open() would say about it
 */
OTA_MUST_CHECK ota_err ota_manifest_write(uint8_t *buf, size_t cap, uint64_t built_s, const struct ota_manifest_entry *entry,
                                          size_t count, size_t *len, struct ota_fault *fault);

#ifdef __cplusplus
}
#endif
#endif
