import dev.sigstore.AlgorithmRegistry.SigningAlgorithm;
import dev.sigstore.KeylessSigner;
import dev.sigstore.KeylessVerifier;
import dev.sigstore.SigningConfigProvider;
import dev.sigstore.TrustedRootProvider;
import dev.sigstore.VerificationOptions;
import dev.sigstore.VerificationOptions.CertificateMatcher;
import dev.sigstore.bundle.Bundle;
import dev.sigstore.oidc.client.OidcClients;
import dev.sigstore.oidc.client.TokenStringOidcClient;
import dev.sigstore.strings.StringMatcher;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The thinnest caller of sigstore-java: its own command line cannot be had from the registries.
 *
 * <pre>
 *   sign   ARTIFACT BUNDLE TRUSTED_ROOT SIGNING_CONFIG TOKEN_FILE v1|v2
 *   verify ARTIFACT BUNDLE TRUSTED_ROOT IDENTITY ISSUER
 * </pre>
 */
public final class Interop {
  public static void main(String[] args) throws Exception {
    Path artifact = Path.of(args[1]);
    Path bundle = Path.of(args[2]);
    TrustedRootProvider root = TrustedRootProvider.from(Path.of(args[3]));
    if (args[0].equals("sign")) {
      String token = Files.readString(Path.of(args[5]), StandardCharsets.UTF_8).trim();
      try (KeylessSigner signer =
          KeylessSigner.builder()
              .trustedRootProvider(root)
              .signingConfigProvider(SigningConfigProvider.from(Path.of(args[4])))
              .enableRekorV2(args[6].equals("v2"))
              .signingAlgorithm(SigningAlgorithm.PKIX_ECDSA_P256_SHA_256)
              .allowedOidcIdentities(List.of())
              .forceCredentialProviders(OidcClients.of(TokenStringOidcClient.from(token)))
              .build()) {
        Files.writeString(bundle, signer.signFile(artifact).toJson());
      }
      return;
    }
    KeylessVerifier verifier = KeylessVerifier.builder().trustedRootProvider(root).build();
    VerificationOptions options =
        VerificationOptions.builder()
            .addCertificateMatchers(
                CertificateMatcher.fulcio()
                    .subjectAlternativeName(StringMatcher.string(args[4]))
                    .issuer(StringMatcher.string(args[5]))
                    .build())
            .build();
    verifier.verify(artifact, Bundle.from(bundle, StandardCharsets.UTF_8), options);
  }
}
