/* SPDX-License-Identifier: Apache-2.0 */
/* Past flaws of other clients: odd text, and names that would be paths. */
#include "flaws.h"

/* ---- text */

static void odd_json(void)
{
    static const char *const files[] = { "", "null", "7", "\"x\"", "[]", "{}", "{\"signatures\":null,\"signed\":null}",
                                         "{\"signatures\":[],\"signed\":[]}", "{\"signatures\":{},\"signed\":{}}",
                                         "{\"signatures\":[null],\"signed\":{}}", "{\"signed\":{}}", "{\"signatures\":[]}" };
    static const char *const names[] = { "2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "2.pub.json" };

    for (int role = 0; role <= PUB; role++) {
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
            plain_world();
            repo.hashes = false;
            tuf_repo_publish(&repo);
            tuf_repo_put(&repo, names[role], files[i], strlen(files[i]));
            ota_err err = refresh_and_find();
            if (ota_err_class(err) != OTA_CLASS_REJECT)
                fail_msg("%s for %s: %s", files[i], names[role], ota_err_name(err));
            assert_true(record_kept(role));
            cases++;
        }
    }
}

static void null_members(void)
{
    static const char *const members[] = { "\"keyids\":", "\"keys\":", "\"roles\":", "\"keyval\":", "\"public\":", "\"expires\":" };

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        char to[60];

        plain_world();
        (void)snprintf(to, sizeof to, "%snull,\"_x\":", members[i]);
        tuf_repo_edit(&repo, REPO_ROOT, members[i], to);
        tuf_repo_publish(&repo);
        ota_err err = refresh_and_find();
        if (err != OTA_REJECT_TYPE && err != OTA_REJECT_KEY)
            fail_msg("%s: %s", to, ota_err_name(err));
        cases++;
    }
}

static void empty_hashes(void)
{
    plain_world();
    tuf_repo_edit(&repo, PUB, "\"hashes\":{", "\"hashes\":{},\"_x\":{");
    tuf_repo_publish(&repo);
    refused("a target's", PUB, OTA_REJECT_VALUE, NULL);
    plain_world();
    tuf_repo_edit(&repo, REPO_TIMESTAMP, "\"hashes\":{", "\"hashes\":{},\"_x\":{");
    tuf_repo_publish(&repo);
    refused("the snapshot's", REPO_TIMESTAMP, OTA_REJECT_VALUE, NULL);
}

static void short_keys(void)
{
    static const char *const publics[] = { "", "00", "-----BEGIN PUBLIC KEY-----\\n-----END PUBLIC KEY-----\\n",
                                           "-----BEGIN PUBLIC KEY-----\\nMFkw\\n-----END PUBLIC KEY-----\\n" };

    for (size_t i = 0; i < sizeof publics / sizeof publics[0]; i++) {
        char to[120];

        begin(false);
        cfg.loose_keyids = true;
        today();
        (void)snprintf(to, sizeof to, "\"public\":\"%s\",\"_x\":", publics[i]);
        tuf_repo_edit(&repo, REPO_ROOT, "\"public\":", to);
        tuf_repo_publish(&repo);
        expect_refusal(to, REPO_ROOT, OTA_REJECT_KEY, "root.signed.roles.root.keyids[0]");
    }
}

static void prefixes_of_names(void)
{
    plain_world();
    tuf_repo_edit(&repo, REPO_TIMESTAMP, "\"_type\":\"timestamp\"", "\"_type\":\"t\"");
    tuf_repo_publish(&repo);
    refused("type t", REPO_TIMESTAMP, OTA_REJECT_TYPE, "timestamp.signed._type");
    plain_world();
    tuf_repo_edit(&repo, REPO_ROOT, "\"roles\":{\"root\"", "\"roles\":{\"roo\"");
    tuf_repo_publish(&repo);
    refused("role roo", REPO_ROOT, OTA_REJECT_MISSING, "root.signed.roles.root");
}

static void long_expires(void)
{
    static char text[1200];

    (void)snprintf(text, sizeof text, "%01000d", 0);
    plain_world();
    repo.role[REPO_ROOT].expires = text;
    tuf_repo_publish(&repo);
    expect_refusal("a time of 1000 digits", REPO_ROOT, OTA_REJECT_VALUE, "root.signed.expires");
}

/* ---- names */

static void role_names_are_no_paths(void)
{
    static const char *const names[] = { "../pub", "/etc/passwd", "a/../../b", "..", ".", "pub?x", "pub#x", "p%2fq" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        begin(false);
        repo.roles = PUB;
        repo.targets = 0;
        int role = tuf_repo_delegate(&repo, REPO_TARGETS_ROLE, names[i], "\"paths\":[\"app/*\"]", true, 4);
        tuf_repo_target(&repo, role, "app/one",
                        "{\"hashes\":{\"sha256\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"},\"length\":1}");
        begin_with_present_roles();
        expect_ok(names[i]);
        assert_true(strncmp(repo.log, "1.", 2) == 0 && !strpbrk(repo.log, "/?#"));
    }
}

static void target_names_are_no_paths(void)
{
    static const char *const paths[] = { "../x", "/x", "app/../../x", "app//x", "app/./x", "app/..", "app\\..\\x", "x\n" };

    plain_world();
    tuf_repo_publish(&repo);
    expect_ok("before");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_int_equal(tuf_find(client, &repo, &store, paths[i]), OTA_REJECT_TARGET);
        assert_string_equal(repo.log, "");
        assert_null(ota_tuf_target(client));
        cases++;
    }
}

static void repository_names_are_no_paths(void)
{
    static const char *const names[] = { "../x", "a/b", "", "..", "a\\b" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_false(ota_store_name_ok(names[i]));
        cases++;
    }
}

static void input_of_the_search(void)
{
    static char longest[OTA_PATH_MAX + 1];

    plain_world();
    assert_int_equal(ota_tuf_find(client, "app/one"), OTA_USAGE_STATE);
    tuf_repo_publish(&repo);
    expect_ok("before");
    memset(longest, 'a', OTA_PATH_MAX);
    assert_int_equal(ota_tuf_find(client, NULL), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_tuf_find(client, ""), OTA_USAGE_ARGUMENT);
    assert_int_equal(ota_tuf_find(client, longest), OTA_USAGE_ARGUMENT);
}

static const struct flaw flaws[] = {
    { "go-tuf GHSA-846p-jg2w-w324 CVE-2026-23991: panic on odd JSON", odd_json },
    { "go-tuf #749: null", null_members },
    { "go-tuf #721: empty hashes", empty_hashes },
    { "go-tuf #739: key of the wrong length", short_keys },
    { "libtufnano: prefixes of names", prefixes_of_names },
    { "libtufnano: long expires", long_expires },
    { "python-tuf CVE-2021-41131 GHSA-wjw6-2cqr-j4qr: role name as file name", role_names_are_no_paths },
    { "tough CVE-2021-41149 CVE-2021-41150: names as paths", role_names_are_no_paths },
    { "tough CVE-2026-6968: target name as path", target_names_are_no_paths },
    { "go-tuf CVE-2026-24686 GHSA-jqc5-w2xx-5vq4: repository name as path", repository_names_are_no_paths },
    { "python-tuf GHSA-77hh-43cm-v8j6: input of the search", input_of_the_search },
};

int main(void)
{
    return run_flaws(flaws, sizeof flaws / sizeof flaws[0], 11);
}
