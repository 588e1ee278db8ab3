package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	v1 "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	pb "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	"github.com/sigstore/rekor-tiles/v2/pkg/types/hashedrekord"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/encoding/protojson"
)

type Case struct {
	Name      string `json:"name"`
	Request   string `json:"request"`
	Error     string `json:"error,omitempty"`
	Canonical string `json:"canonical,omitempty"`
}

var cases []Case

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What the server permits unless told otherwise.
var registry = must(signature.NewAlgorithmRegistryConfig([]v1.PublicKeyDetails{
	v1.PublicKeyDetails_PKIX_RSA_PKCS1V15_2048_SHA256, v1.PublicKeyDetails_PKIX_RSA_PKCS1V15_3072_SHA256,
	v1.PublicKeyDetails_PKIX_RSA_PKCS1V15_4096_SHA256, v1.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
	v1.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384, v1.PublicKeyDetails_PKIX_ECDSA_P521_SHA_512,
	v1.PublicKeyDetails_PKIX_ED25519, v1.PublicKeyDetails_PKIX_ED25519_PH,
}))

func entry(request string) (canonical string, err error) {
	// One of the requests below makes this version panic; its server turns that into an error as well.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	r := &pb.CreateEntryRequest{}
	if err := protojson.Unmarshal([]byte(request), r); err != nil {
		return "", err
	}
	e, err := hashedrekord.ToLogEntry(r.GetHashedRekordRequestV002(), registry)
	if err != nil {
		return "", err
	}
	return string(must(jsoncanonicalizer.Transform(must(protojson.Marshal(e))))), nil
}

func add(name string, request string) {
	c := Case{Name: name, Request: request}
	canonical, err := entry(request)
	if err != nil {
		// protojson varies its spaces on purpose.
		c.Error = strings.ReplaceAll(err.Error(), "\u00a0", " ")
	}
	c.Canonical = canonical
	cases = append(cases, c)
}

type M = map[string]any

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
func text(v any) string   { return string(must(json.Marshal(v))) }
func request(digest, sig []byte, verifier M) M {
	return M{"hashedRekordRequestV002": M{"digest": b64(digest), "signature": M{"content": b64(sig), "verifier": verifier}}}
}
func key(k any, details string) M {
	return M{"publicKey": M{"rawBytes": b64(must(x509.MarshalPKIXPublicKey(k)))}, "keyDetails": details}
}

func main() {
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	p521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	edPub, edKey, _ := ed25519.GenerateKey(rand.Reader)
	artifact := []byte("an artifact")
	h256 := sha256.Sum256(artifact)
	h384 := sha512.Sum384(artifact)
	h512 := sha512.Sum512(artifact)
	sig := must(ecdsa.SignASN1(rand.Reader, p256, h256[:]))
	t := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Unix(1700000000, 0), NotAfter: time.Unix(1700000600, 0), EmailAddresses: []string{"Alice@Example.com"}}
	der := must(x509.CreateCertificate(rand.Reader, t, t, &p256.PublicKey, p256))
	cert := M{"x509Certificate": M{"rawBytes": b64(der)}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"}

	add("certificate", text(request(h256[:], sig, cert)))
	add("P-256 key", text(request(h256[:], sig, key(&p256.PublicKey, "PKIX_ECDSA_P256_SHA_256"))))
	add("P-384 key", text(request(h384[:], must(ecdsa.SignASN1(rand.Reader, p384, h384[:])), key(&p384.PublicKey, "PKIX_ECDSA_P384_SHA_384"))))
	add("P-521 key", text(request(h512[:], must(ecdsa.SignASN1(rand.Reader, p521, h512[:])), key(&p521.PublicKey, "PKIX_ECDSA_P521_SHA_512"))))
	add("RSA 2048 key", text(request(h256[:], must(rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, h256[:])), key(&rsaKey.PublicKey, "PKIX_RSA_PKCS1V15_2048_SHA256"))))
	add("Ed25519ph key", text(request(h512[:], must(edKey.Sign(rand.Reader, h512[:], &ed25519.Options{Hash: crypto.SHA512})), key(edPub, "PKIX_ED25519_PH"))))
	add("names of the proto file", text(M{"hashed_rekord_request_v002": M{"digest": b64(h256[:]), "signature": M{"content": b64(sig), "verifier": M{"x509_certificate": M{"raw_bytes": b64(der)}, "key_details": "PKIX_ECDSA_P256_SHA_256"}}}}))
	add("key details by number", text(request(h256[:], sig, M{"x509Certificate": M{"rawBytes": b64(der)}, "keyDetails": 5})))
	add("URL-safe base64 without padding", text(M{"hashedRekordRequestV002": M{"digest": base64.RawURLEncoding.EncodeToString(h256[:]), "signature": M{"content": base64.RawURLEncoding.EncodeToString(sig), "verifier": cert}}}))
	add("null stands for absent", text(M{"dsseRequestV002Absent": nil}))
	withNull := request(h256[:], sig, M{"x509Certificate": M{"rawBytes": b64(der)}, "publicKey": nil, "keyDetails": "PKIX_ECDSA_P256_SHA_256"})
	add("null member of a oneof", text(withNull))
	unknown := request(h256[:], sig, cert)
	unknown["more"] = 1
	add("unknown member", text(unknown))
	inner := request(h256[:], sig, cert)
	inner["hashedRekordRequestV002"].(M)["signature"].(M)["keyid"] = ""
	add("unknown member inside", text(inner))
	add("both spellings of one member", `{"hashedRekordRequestV002":{"digest":"AA==","digest":"AA=="}}`)
	add("key and certificate", text(request(h256[:], sig, M{"x509Certificate": M{"rawBytes": b64(der)}, "publicKey": M{"rawBytes": b64(der)}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"})))
	add("no key details", text(request(h256[:], sig, M{"x509Certificate": M{"rawBytes": b64(der)}})))
	add("key details of another curve", text(request(h256[:], sig, M{"x509Certificate": M{"rawBytes": b64(der)}, "keyDetails": "PKIX_ECDSA_P384_SHA_384"})))
	add("digest too short", text(request(h256[:31], sig, cert)))
	add("signature over another digest", text(request(h512[:32], sig, cert)))
	add("pure Ed25519", text(request(h512[:], ed25519.Sign(edKey, artifact), key(edPub, "PKIX_ED25519"))))
	add("no signature", text(M{"hashedRekordRequestV002": M{"digest": b64(h256[:])}}))
	add("no digest", text(M{"hashedRekordRequestV002": M{"signature": M{"content": b64(sig), "verifier": cert}}}))
	add("no verifier", text(M{"hashedRekordRequestV002": M{"digest": b64(h256[:]), "signature": M{"content": b64(sig)}}}))
	add("octets after the certificate", text(request(h256[:], sig, M{"x509Certificate": M{"rawBytes": b64(append(append([]byte{}, der...), 0))}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"})))
	add("PEM instead of DER", text(request(h256[:], sig, M{"publicKey": M{"rawBytes": b64([]byte("-----BEGIN PUBLIC KEY-----"))}, "keyDetails": "PKIX_ECDSA_P256_SHA_256"})))

	enc := json.NewEncoder(os.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	enc.Encode(cases)
}
