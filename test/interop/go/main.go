// The thinnest caller of sigstore-go: the library that cosign stands on, without cosign's own choices.
//
//	sign   ARTIFACT BUNDLE TRUSTED_ROOT SIGNING_CONFIG TOKEN_FILE
//	verify ARTIFACT BUNDLE TRUSTED_ROOT IDENTITY ISSUER
//
// An ARTIFACT that ends in .intoto.json is signed as a DSSE envelope; a bundle that holds one is verified
// without looking at the artifact's digest.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"google.golang.org/protobuf/encoding/protojson"
)

func main() {
	var err error
	switch os.Args[1] {
	case "sign":
		err = signArtifact(os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6])
	case "verify":
		err = verifyArtifact(os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6])
	default:
		err = fmt.Errorf("unknown verb %q", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func verifyArtifact(artifact, bundlePath, trustedRoot, identity, issuer string) error {
	material, err := root.NewTrustedRootFromPath(trustedRoot)
	if err != nil {
		return err
	}
	verifier, err := verify.NewVerifier(material, verify.WithSignedCertificateTimestamps(1),
		verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	if err != nil {
		return err
	}
	entity, err := bundle.LoadJSONFromPath(bundlePath)
	if err != nil {
		return err
	}
	signer, err := verify.NewShortCertificateIdentity(issuer, "", identity, "")
	if err != nil {
		return err
	}
	what := verify.WithoutArtifactUnsafe()
	if entity.GetDsseEnvelope() == nil {
		file, err := os.Open(artifact)
		if err != nil {
			return err
		}
		defer file.Close()
		what = verify.WithArtifact(file)
	}
	_, err = verifier.Verify(entity, verify.NewPolicy(what, verify.WithCertificateIdentity(signer)))
	return err
}

func signArtifact(artifact, bundlePath, trustedRoot, signingConfig, tokenFile string) error {
	data, err := os.ReadFile(artifact)
	if err != nil {
		return err
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return err
	}
	material, err := root.NewTrustedRootFromPath(trustedRoot)
	if err != nil {
		return err
	}
	config, err := root.NewSigningConfigFromPath(signingConfig)
	if err != nil {
		return err
	}
	keypair, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return err
	}
	var content sign.Content = &sign.PlainData{Data: data}
	if strings.HasSuffix(artifact, ".intoto.json") {
		content = &sign.DSSEData{Data: data, PayloadType: "application/vnd.in-toto+json"}
	}

	now := time.Now()
	ca, err := root.SelectService(config.FulcioCertificateAuthorityURLs(), sign.FulcioAPIVersions, now)
	if err != nil {
		return err
	}
	options := sign.BundleOptions{
		TrustedRoot:         material,
		CertificateProvider: sign.NewFulcio(&sign.FulcioOptions{BaseURL: ca.URL, Timeout: 30 * time.Second}),
		CertificateProviderOptions: &sign.CertificateProviderOptions{
			IDToken: strings.TrimSpace(string(token)),
		},
	}
	stamps, err := root.SelectServices(config.TimestampAuthorityURLs(), config.TimestampAuthorityURLsConfig(),
		sign.TimestampAuthorityAPIVersions, now)
	if err != nil {
		return err
	}
	for _, service := range stamps {
		options.TimestampAuthorities = append(options.TimestampAuthorities,
			sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{URL: service.URL, Timeout: 30 * time.Second}))
	}
	logs, err := root.SelectServices(config.RekorLogURLs(), config.RekorLogURLsConfig(), sign.RekorAPIVersions, now)
	if err != nil {
		return err
	}
	for _, service := range logs {
		options.TransparencyLogs = append(options.TransparencyLogs, sign.NewRekor(&sign.RekorOptions{
			BaseURL: service.URL, Timeout: 30 * time.Second, Version: service.MajorAPIVersion,
		}))
	}
	signed, err := sign.Bundle(content, keypair, options)
	if err != nil {
		return err
	}
	text, err := protojson.Marshal(signed)
	if err != nil {
		return err
	}
	return os.WriteFile(bundlePath, text, 0o644)
}
