/*
 * A bad token: a PKCS#11 library that stands before another one and misbehaves on command.
 *
 * AIRSEAL_INTERPOSED names the library behind, AIRSEAL_INTERPOSER_CONTROL a file that is read again at each
 * call. Its words, one per line, may be combined:
 *
 *   slow <ms>              each signature takes that much longer
 *   slow-key <label> <ms>  each signature with the key of that label does
 *   garbage                signatures come back with a bit flipped
 *   crash                  the next signature is a segmentation fault
 *   removed                no token is there, and sessions that were open say so
 *   forgetful              every session is unknown to the token as soon as it is used to sign
 *   hang                   signatures never return
 *
 * Everything else goes to the library behind untouched.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11.h"

#define MOST_SESSIONS 4096
#define LONGEST_LABEL 128

static CK_FUNCTION_LIST_PTR behind;
static CK_FUNCTION_LIST ours;
/* Label of the key that each session is about to sign with. */
static char labels[MOST_SESSIONS][LONGEST_LABEL];

struct orders {
  long slow_ms;
  char slow_label[LONGEST_LABEL];
  long slow_label_ms;
  int garbage, crash, removed, forgetful, hang;
};

static struct orders read_orders(void) {
  struct orders orders;
  memset(&orders, 0, sizeof orders);
  const char *path = getenv("AIRSEAL_INTERPOSER_CONTROL");
  FILE *file = path == NULL ? NULL : fopen(path, "re");
  if (file == NULL) return orders;
  char line[256];
  while (fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "slow-key %127s %ld", orders.slow_label, &orders.slow_label_ms) == 2) continue;
    if (sscanf(line, "slow %ld", &orders.slow_ms) == 1) continue;
    if (strncmp(line, "garbage", 7) == 0) orders.garbage = 1;
    if (strncmp(line, "crash", 5) == 0) orders.crash = 1;
    if (strncmp(line, "removed", 7) == 0) orders.removed = 1;
    if (strncmp(line, "forgetful", 9) == 0) orders.forgetful = 1;
    if (strncmp(line, "hang", 4) == 0) orders.hang = 1;
  }
  fclose(file);
  return orders;
}

static void sleep_ms(long ms) {
  struct timespec span = {ms / 1000, (ms % 1000) * 1000000L};
  nanosleep(&span, NULL);
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID_PTR slots, CK_ULONG_PTR count) {
  if (read_orders().removed) {
    *count = 0;
    return CKR_OK;
  }
  return behind->C_GetSlotList(present, slots, count);
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info) {
  return read_orders().removed ? CKR_TOKEN_NOT_PRESENT : behind->C_GetTokenInfo(slot, info);
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE_PTR session) {
  return read_orders().removed ? CKR_TOKEN_NOT_PRESENT
                               : behind->C_OpenSession(slot, flags, application, notify, session);
}

static CK_RV generate_random(CK_SESSION_HANDLE session, CK_BYTE_PTR octets, CK_ULONG length) {
  return read_orders().removed ? CKR_DEVICE_REMOVED : behind->C_GenerateRandom(session, octets, length);
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count) {
  return read_orders().removed ? CKR_DEVICE_REMOVED : behind->C_FindObjectsInit(session, attributes, count);
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) {
  struct orders orders = read_orders();
  if (orders.removed) return CKR_DEVICE_REMOVED;
  if (orders.forgetful) return CKR_SESSION_HANDLE_INVALID;
  char *label = labels[session % MOST_SESSIONS];
  CK_ATTRIBUTE attribute = {CKA_LABEL, label, LONGEST_LABEL - 1};
  memset(label, 0, LONGEST_LABEL);
  behind->C_GetAttributeValue(session, key, &attribute, 1);
  return behind->C_SignInit(session, mechanism, key);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR signature,
                  CK_ULONG_PTR signature_length) {
  struct orders orders = read_orders();
  if (orders.crash) raise(SIGSEGV);
  if (orders.hang) pause();
  if (orders.removed) return CKR_DEVICE_REMOVED;
  sleep_ms(orders.slow_ms);
  if (orders.slow_label_ms > 0 && strcmp(orders.slow_label, labels[session % MOST_SESSIONS]) == 0) {
    sleep_ms(orders.slow_label_ms);
  }
  CK_RV rv = behind->C_Sign(session, data, length, signature, signature_length);
  if (rv == CKR_OK && orders.garbage && signature != NULL) signature[*signature_length - 1] ^= 1;
  return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  if (behind == NULL) {
    const char *path = getenv("AIRSEAL_INTERPOSED");
    void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return CKR_GENERAL_ERROR;
    CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    if (get == NULL || get(&behind) != CKR_OK) return CKR_GENERAL_ERROR;
    ours = *behind;
    ours.C_GetFunctionList = C_GetFunctionList;
    ours.C_GetSlotList = get_slot_list;
    ours.C_GetTokenInfo = get_token_info;
    ours.C_OpenSession = open_session;
    ours.C_GenerateRandom = generate_random;
    ours.C_FindObjectsInit = find_objects_init;
    ours.C_SignInit = sign_init;
    ours.C_Sign = sign;
  }
  *list = &ours;
  return CKR_OK;
}
