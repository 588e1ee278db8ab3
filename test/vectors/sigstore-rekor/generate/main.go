package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"sort"
	"time"

	"github.com/go-openapi/runtime"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.2"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

type Case struct {
	Name      string          `json:"name"`
	Proposed  json.RawMessage `json:"proposed"`
	Error     string          `json:"error,omitempty"`
	Canonical string          `json:"canonical,omitempty"`
	Keys      []string        `json:"keys,omitempty"`
}

var cases []Case

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func add(name string, proposed any) {
	raw := must(json.Marshal(proposed))
	c := Case{Name: name, Proposed: raw}
	pe, err := models.UnmarshalProposedEntry(bytes.NewReader(raw), runtime.JSONConsumer())
	var e types.EntryImpl
	if err == nil {
		e, err = types.CreateVersionedEntry(pe)
	}
	if err == nil {
		var canon []byte
		canon, err = types.CanonicalizeEntry(context.Background(), e)
		if err == nil {
			c.Canonical = string(canon)
			c.Keys = must(e.IndexKeys())
			sort.Strings(c.Keys)
		}
	}
	if err != nil {
		c.Error = err.Error()
	}
	cases = append(cases, c)
}

type M = map[string]any

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
func pemOf(t string, b []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: t, Bytes: b})
}
func pubPem(k any) []byte { return pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(k))) }
func oneLine(t string, der []byte) []byte {
	return []byte("-----BEGIN " + t + "-----\r\n" + b64(der) + "\r\n-----END " + t + "-----")
}
func hashed(alg, value string, sig, pub []byte) M {
	return M{"kind": "hashedrekord", "apiVersion": "0.0.1", "spec": M{
		"data":      M{"hash": M{"algorithm": alg, "value": value}},
		"signature": M{"content": b64(sig), "publicKey": M{"content": b64(pub)}}}}
}
func dsseEntry(env string, verifiers ...[]byte) M {
	v := []string{}
	for _, x := range verifiers {
		v = append(v, b64(x))
	}
	return M{"kind": "dsse", "apiVersion": "0.0.1", "spec": M{"proposedContent": M{"envelope": env, "verifiers": v}}}
}

func main() {
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	p521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	edPub, edKey, _ := ed25519.GenerateKey(rand.Reader)
	artifact := []byte("an artifact")
	h256 := sha256.Sum256(artifact)
	h384 := sha512.Sum384(artifact)
	h512 := sha512.Sum512(artifact)
	hex256, hex384, hex512 := hex.EncodeToString(h256[:]), hex.EncodeToString(h384[:]), hex.EncodeToString(h512[:])
	sig256 := must(ecdsa.SignASN1(rand.Reader, p256, h256[:]))

	// certificates
	caT := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: time.Unix(1600000000, 0), NotAfter: time.Unix(2200000000, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDer := must(x509.CreateCertificate(rand.Reader, caT, caT, &other.PublicKey, other))
	otherName := must(cryptoutils.MarshalOtherNameSAN("Some User!Example.COM", true))
	_ = asn1.NullBytes
	leafT := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Unix(1700000000, 0), NotAfter: time.Unix(1700000600, 0), EmailAddresses: []string{"Alice.B@Example.com"}, DNSNames: []string{"Build.Example.com"}, IPAddresses: []net.IP{net.ParseIP("192.0.2.1"), net.ParseIP("2001:db8::1:0:0:1"), net.ParseIP("2001:db8:0:0:1::1"), net.ParseIP("::1")}, URIs: []*url.URL{must(url.Parse("https://github.com/Org/Repo/.github/workflows/x.yml@refs/heads/main"))}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	leafDer := must(x509.CreateCertificate(rand.Reader, leafT, caT, &p256.PublicKey, other))
	userT := &x509.Certificate{SerialNumber: big.NewInt(3), NotBefore: time.Unix(1700000000, 0), NotAfter: time.Unix(1700000600, 0), ExtraExtensions: []pkix.Extension{*otherName}}
	userDer := must(x509.CreateCertificate(rand.Reader, userT, caT, &p256.PublicKey, other))
	leafPem, caPem := pemOf("CERTIFICATE", leafDer), pemOf("CERTIFICATE", caDer)

	add("P-256 key", hashed("sha256", hex256, sig256, pubPem(&p256.PublicKey)))
	add("P-256 key, PEM in one line with CRLF and no final newline", hashed("sha256", hex256, sig256, oneLine("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&p256.PublicKey)))))
	add("P-256 key, prose around the PEM", hashed("sha256", hex256, sig256, append([]byte("key of alice\n"), pubPem(&p256.PublicKey)...)))
	add("certificate", hashed("sha256", hex256, sig256, leafPem))
	add("certificate with a user name", hashed("sha256", hex256, sig256, pemOf("CERTIFICATE", userDer)))
	add("certificate and its chain", hashed("sha256", hex256, sig256, append(append([]byte{}, leafPem...), caPem...)))
	wrongRootDer := must(x509.CreateCertificate(rand.Reader, caT, caT, &p384.PublicKey, p384))
	add("certificate and a chain that did not sign it", hashed("sha256", hex256, sig256, append(append([]byte{}, leafPem...), pemOf("CERTIFICATE", wrongRootDer)...)))
	eleven := []byte{}
	for range 11 {
		eleven = append(eleven, leafPem...)
	}
	add("eleven certificates", hashed("sha256", hex256, sig256, eleven))
	add("P-384 with SHA-384", hashed("sha384", hex384, must(ecdsa.SignASN1(rand.Reader, p384, h384[:])), pubPem(&p384.PublicKey)))
	add("P-521 with SHA-512", hashed("sha512", hex512, must(ecdsa.SignASN1(rand.Reader, p521, h512[:])), pubPem(&p521.PublicKey)))
	add("RSA 2048 with SHA-256", hashed("sha256", hex256, must(rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, h256[:])), pubPem(&rsaKey.PublicKey)))
	add("Ed25519ph", hashed("sha512", hex512, must(edKey.Sign(rand.Reader, h512[:], &ed25519.Options{Hash: crypto.SHA512})), pubPem(edPub)))
	add("pure Ed25519", hashed("sha512", hex512, ed25519.Sign(edKey, artifact), pubPem(edPub)))
	r, s, _ := ecdsa.Sign(rand.Reader, p256, h256[:])
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	add("P-256 signature as r and s", hashed("sha256", hex256, raw, pubPem(&p256.PublicKey)))
	add("digest in upper case", hashed("sha256", fmt.Sprintf("%X", h256[:]), sig256, pubPem(&p256.PublicKey)))
	add("digest too short", hashed("sha256", hex256[:62], sig256, pubPem(&p256.PublicKey)))
	add("signature by another key", hashed("sha256", hex256, sig256, pubPem(&other.PublicKey)))
	add("unknown hash", hashed("sha1", hex256[:40], sig256, pubPem(&p256.PublicKey)))
	add("no PEM", hashed("sha256", hex256, sig256, []byte("hello")))
	add("empty signature", hashed("sha256", hex256, nil, pubPem(&p256.PublicKey)))
	add("no data", M{"kind": "hashedrekord", "apiVersion": "0.0.1", "spec": M{"signature": M{"content": b64(sig256), "publicKey": M{"content": b64(leafPem)}}}})
	extra := hashed("sha256", hex256, sig256, leafPem)
	extra["spec"].(M)["more"] = "ignored"
	extra["spec"].(M)["signature"].(M)["publicKey"].(M)["url"] = "ignored"
	add("members nobody asked for", extra)
	add("unknown version", M{"kind": "hashedrekord", "apiVersion": "9.0.0", "spec": M{}})
	add("unknown kind", M{"kind": "nonsense", "apiVersion": "0.0.1", "spec": M{}})

	statement := []byte(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v0.2","subject":[{"name":"a","digest":{"sha256":"` + hex256 + `","sha512":"ABCDEF"}},{"name":"b","digest":{"gitCommit":"deadbeef"}}],"predicate":{"builder":{"id":"x"},"buildType":"y","invocation":{"configSource":{}},"materials":[{"uri":"m","digest":{"sha1":"0011"}}]}}`)
	inToto := "application/vnd.in-toto+json"
	envelope := func(payloadType string, payload []byte, enc *base64.Encoding, keys ...*ecdsa.PrivateKey) string {
		d := sha256.Sum256(dsse.PAE(payloadType, payload))
		sigs := []M{}
		for i, k := range keys {
			sigs = append(sigs, M{"keyid": fmt.Sprintf("k%d", i), "sig": b64(must(ecdsa.SignASN1(rand.Reader, k, d[:])))})
		}
		return string(must(json.MarshalIndent(M{"payloadType": payloadType, "payload": enc.EncodeToString(payload), "signatures": sigs}, "", " ")))
	}
	std := base64.StdEncoding
	add("dsse, certificate", dsseEntry(envelope(inToto, statement, std, p256), leafPem))
	add("dsse, key, other payload type", dsseEntry(envelope("text/plain", []byte("hello"), std, p256), pubPem(&p256.PublicKey)))
	add("dsse, payload in URL-safe base64", dsseEntry(envelope("text/plain", []byte{0xfb, 0xff, 0xfe, 0xfb}, base64.URLEncoding, p256), pubPem(&p256.PublicKey)))
	add("dsse, two signatures, verifiers in the other order", dsseEntry(envelope(inToto, statement, std, p256, other), pubPem(&other.PublicKey), leafPem))
	add("dsse, P-384 over SHA-256", dsseEntry(envelope(inToto, statement, std, p384), pubPem(&p384.PublicKey)))
	add("dsse, two signatures, one verifier", dsseEntry(envelope(inToto, statement, std, p256, other), leafPem))
	add("dsse, verifier of somebody else", dsseEntry(envelope(inToto, statement, std, p256), pubPem(&other.PublicKey)))
	add("dsse, no verifier", dsseEntry(envelope(inToto, statement, std, p256)))
	add("dsse, no signature", dsseEntry(envelope(inToto, statement, std), leafPem))
	add("dsse, not JSON", dsseEntry("{", leafPem))
	add("dsse, statement that is no JSON", dsseEntry(envelope(inToto, []byte("no json"), std, p256), leafPem))
	edSig := ed25519.Sign(edKey, dsse.PAE(inToto, statement))
	add("dsse, Ed25519", dsseEntry(string(must(json.Marshal(M{"payloadType": inToto, "payload": b64(statement), "signatures": []M{{"sig": b64(edSig)}}}))), pubPem(edPub)))
	paeDigest := sha256.Sum256(dsse.PAE(inToto, statement))
	r2, s2, _ := ecdsa.Sign(rand.Reader, p256, paeDigest[:])
	r2.FillBytes(raw[:32])
	s2.FillBytes(raw[32:])
	add("dsse, signature as r and s", dsseEntry(string(must(json.Marshal(M{"payloadType": inToto, "payload": b64(statement), "signatures": []M{{"sig": b64(raw)}}}))), leafPem))

	// A key id that is not the key's own makes upstream pass the signature over in this version, so there is none.
	one256 := sha256.Sum256(dsse.PAE(inToto, statement))
	env1 := string(must(json.Marshal(M{"payloadType": inToto, "payload": b64(statement), "signatures": []M{{"keyid": "", "sig": b64(must(ecdsa.SignASN1(rand.Reader, p256, one256[:])))}}})))
	add("intoto 0.0.1", M{"kind": "intoto", "apiVersion": "0.0.1", "spec": M{"publicKey": b64(leafPem), "content": M{"envelope": env1}}})
	add("intoto 0.0.1, key of somebody else", M{"kind": "intoto", "apiVersion": "0.0.1", "spec": M{"publicKey": b64(caPem), "content": M{"envelope": env1}}})
	intoto2 := func(keyid string, pub []byte, k *ecdsa.PrivateKey, hash bool) M {
		sig := must(ecdsa.SignASN1(rand.Reader, k, paeDigest[:]))
		one := M{"sig": b64([]byte(b64(sig))), "publicKey": b64(pub)}
		if keyid != "" {
			one["keyid"] = keyid
		}
		content := M{"envelope": M{"payloadType": inToto, "payload": b64([]byte(b64(statement))), "signatures": []M{one}}}
		if hash {
			content["hash"] = M{"algorithm": "sha256", "value": hex256}
			content["payloadHash"] = M{"algorithm": "sha256", "value": hex256}
		}
		return M{"kind": "intoto", "apiVersion": "0.0.2", "spec": M{"content": content}}
	}
	add("intoto 0.0.2", intoto2("", leafPem, p256, true))
	add("intoto 0.0.2, key id, PEM in one line", intoto2("some id", oneLine("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&p256.PublicKey))), p256, true))
	add("intoto 0.0.2, no hash", intoto2("", leafPem, p256, false))
	add("intoto 0.0.2, key of somebody else", intoto2("", leafPem, other, true))

	enc := json.NewEncoder(os.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	enc.Encode(cases)
}
