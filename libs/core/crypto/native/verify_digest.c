/*
 * Verifies a signature over a digest that somebody else computed.
 *
 * A log entry of kind hashedrekord carries a digest and never the artifact, so the log must verify over the
 * digest itself. Node's own crypto offers no such call for ECDSA: it always hashes what it is given. This
 * file asks the OpenSSL that is already inside the Node process for exactly that one operation,
 * EVP_PKEY_verify, and for nothing else. It keeps no state, so every worker thread may load it.
 *
 * With an Ed25519 key the signature is Ed25519ph (RFC 8032 section 5.1), whose prehash is SHA-512 and whose
 * context is empty; the pure form needs the message and is not offered here.
 *
 *   verifyDigest(spki: Uint8Array, hash: 'sha256' | 'sha384' | 'sha512',
 *                digest: Uint8Array, signature: Uint8Array): 1 | 0 | -1
 *
 * 1 verified, 0 not verified, -1 the key or the arguments cannot be used.
 */
#include <node_api.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

enum { SPKI, HASH, DIGEST, SIGNATURE, ARGUMENTS };

static int octets(napi_env env, napi_value value, const unsigned char **data, size_t *length) {
  napi_typedarray_type type;
  void *start = NULL;
  bool is_typed = false;
  if (napi_is_typedarray(env, value, &is_typed) != napi_ok || !is_typed) return 0;
  if (napi_get_typedarray_info(env, value, &type, length, &start, NULL, NULL) != napi_ok) return 0;
  *data = start;
  return type == napi_uint8_array;
}

/* Prepares `context` for the one signature scheme that `key` and `md` allow. */
static int prepare(EVP_PKEY_CTX *context, EVP_PKEY *key, const EVP_MD *md) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
    if (EVP_MD_get_type(md) != NID_sha512) return 0;
    EVP_SIGNATURE *prehashed = EVP_SIGNATURE_fetch(NULL, "ED25519ph", NULL);
    int ready = prehashed != NULL && EVP_PKEY_verify_init_ex2(context, prehashed, NULL) == 1;
    EVP_SIGNATURE_free(prehashed);
    return ready;
  }
  return EVP_PKEY_verify_init(context) == 1 &&
         (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
          EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1) &&
         EVP_PKEY_CTX_set_signature_md(context, md) == 1;
}

static int verify(const unsigned char *spki, size_t spki_length, const char *hash, const unsigned char *digest,
                  size_t digest_length, const unsigned char *signature, size_t signature_length) {
  const EVP_MD *md = EVP_get_digestbyname(hash);
  if (md == NULL || (size_t)EVP_MD_get_size(md) != digest_length) return -1;

  const unsigned char *cursor = spki;
  EVP_PKEY *key = d2i_PUBKEY(NULL, &cursor, (long)spki_length);
  if (key == NULL || cursor != spki + spki_length) {
    EVP_PKEY_free(key);
    return -1;
  }

  int verdict = -1;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
  if (context != NULL && prepare(context, key, md)) {
    verdict = EVP_PKEY_verify(context, signature, signature_length, digest, digest_length) == 1 ? 1 : 0;
  }
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(key);
  return verdict;
}

static napi_value verify_digest(napi_env env, napi_callback_info info) {
  size_t count = ARGUMENTS;
  napi_value arguments[ARGUMENTS];
  const unsigned char *spki, *digest, *signature;
  size_t spki_length, digest_length, signature_length, hash_length;
  char hash[8];
  int verdict = -1;

  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == napi_ok && count == ARGUMENTS &&
      octets(env, arguments[SPKI], &spki, &spki_length) &&
      napi_get_value_string_utf8(env, arguments[HASH], hash, sizeof hash, &hash_length) == napi_ok &&
      octets(env, arguments[DIGEST], &digest, &digest_length) &&
      octets(env, arguments[SIGNATURE], &signature, &signature_length)) {
    verdict = verify(spki, spki_length, hash, digest, digest_length, signature, signature_length);
    /* OpenSSL queues an error for each refusal; left there, a later call of Node's own would report it. */
    ERR_clear_error();
  }

  napi_value result;
  return napi_create_int32(env, verdict, &result) == napi_ok ? result : NULL;
}

static napi_value init(napi_env env, napi_value exports) {
  napi_value function;
  if (napi_create_function(env, "verifyDigest", NAPI_AUTO_LENGTH, verify_digest, NULL, &function) == napi_ok) {
    (void)napi_set_named_property(env, exports, "verifyDigest", function);
  }
  return exports;
}

NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
