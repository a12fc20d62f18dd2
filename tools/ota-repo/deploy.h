/* SPDX-License-Identifier: Apache-2.0 */
/** @file Pointers being made: what deploy, promote, rollout, withdraw and group set have in common. */
#ifndef OTA_REPO_DEPLOY_H
#define OTA_REPO_DEPLOY_H

#include "args.h"
#include "repo.h"

#define PER_MILLE_ALL 1000u

/** Both repositories of a product, and the product's settings. */
struct place {
    const char *product;
    cJSON *settings;
    struct repo os, repo;
};

/** Open what --product names. */
int place_open(struct tool *t, const struct args *a, struct place *p);

/** A pointer without images, sequence number and owner. */
cJSON *pointer_new(struct tool *t, const struct place *p, const char *policy);
/** Does it name an image for the component? */
bool pointer_names(const cJSON *pointer, const char *component);
/** Do both deploy the same: images and feed? Either may be NULL. */
bool pointer_same_content(const cJSON *x, const cJSON *y);

/** A group's pointer: its settings, no images yet. */
cJSON *pointer_for_group(struct tool *t, const struct place *p, const cJSON *group);
/** The group's pointer that is published, or a failure if there is none. */
int pointer_of_group(struct tool *t, struct place *p, const cJSON *group, cJSON **out);

/**
 * Let the feed supply the OS. NULL, "" and "none" mean no feed. @return TOOL_FAILED if the feed has nothing for the product:
 * that would make its devices refuse the whole deployment
 */
int pointer_add_feed(struct tool *t, struct place *p, const char *feed, cJSON *pointer);

/**
 * Restrict a deployment to part of the group. The salt decides who that part is: it stays for as long as the same is
 * deployed (`there`, may be NULL), so that a larger part contains the smaller one.
 * @param per_mille  devices of 1000; PER_MILLE_ALL = no restriction; NULL = as it is there, if that deploys the same
 */
int pointer_rollout(struct tool *t, const cJSON *there, const unsigned *per_mille, cJSON *pointer);

/** Each requirement of an image that is deployed must be met by another, or may be by what devices have: a warning then. */
int pointer_check_requires(struct tool *t, struct place *p, const cJSON *pointer);

/** Number the pointer and publish it, unless the one that is there says the same. */
int pointer_publish(struct tool *t, struct repo *r, const char *role_name, const char *path, cJSON *pointer);
int pointer_publish_group(struct tool *t, struct place *p, const cJSON *group, cJSON *pointer);

#endif
