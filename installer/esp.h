/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies what an EFI system partition holds, for a guest's firmware. */
#ifndef POSADA_ESP_H
#define POSADA_ESP_H

/* The longest path that is copied. */
#define ESP_PATH 1024

/*
 * Copy all that is below the directory FROM to TO, but nothing of Posada's. Firmware that keeps no
 * entries starts one path alone: where that is free or Posada's, the system's own loader (its path
 * from FROM on: "/EFI/debian/shimx64.efi") is put there. Returns 0, or -errno with the path in
 * WHERE.
 */
int esp_copy(const char *from, const char *to, const char *loader, char where[ESP_PATH]);

#endif
