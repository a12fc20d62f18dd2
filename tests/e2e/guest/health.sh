#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The application's own check: this image is well, unless it was made sick.
read -r behaviour < /etc/behaviour
[ "$behaviour" != sick ]
