{
  "targets": [
    {
      "target_name": "verify_digest",
      "sources": ["verify_digest.c"],
      "defines": ["NAPI_VERSION=8"],
      "cflags": ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fstack-protector-strong"]
    }
  ]
}
