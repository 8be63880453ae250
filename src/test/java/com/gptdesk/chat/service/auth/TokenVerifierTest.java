package com.gptdesk.chat.service.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.service.auth.InvalidToken.Reason;
import com.nimbusds.jose.JWEAlgorithm;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.interfaces.RSAPublicKey;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which tokens are believed, and which are not. */
class TokenVerifierTest {
  private static final String SECRET = "a secret that is at least 32 bytes long";
  private static final UUID ALICE = UUID.fromString("a11ce000-0000-4000-8000-000000000001");
  private static final Instant NOW = Instant.parse("2026-11-23T10:00:00Z");
  private static final Clock CLOCK = Clock.fixed(NOW, ZoneOffset.UTC);
  private static final Duration HOUR = Duration.ofHours(1);

  private final TokenIssuer issuer = new TokenIssuer(SECRET, CLOCK);
  private final TokenVerifier verifier = new TokenVerifier(TokenSettings.ofSecret(SECRET), CLOCK);

  @Test
  void aliceIsAlice() {
    Identity alice = verifier.verify(issuer.forUser(ALICE, HOUR));

    assertEquals(Caller.Role.AUTHENTICATED, alice.role());
    assertEquals(ALICE, alice.userId());
    assertEquals(NOW.plus(HOUR), alice.expiresAt());
    assertFalse(alice.isAnonymous());
    assertTrue(alice.claims().contains("\"sub\":\"" + ALICE + "\""), alice.claims());
    assertEquals(alice.claims(), alice.caller().claims());
  }

  @Test
  void keysOfBrowsersAreAnonymousAndKeysOfProgramsAreNot() {
    assertTrue(verifier.verify(issuer.anonKey()).isAnonymous());
    assertTrue(verifier.verify("sb_publishable_whatever").isAnonymous());
    assertEquals(Caller.Role.SERVICE_ROLE, verifier.verify(issuer.serviceKey(HOUR)).role());

    TokenVerifier named =
        new TokenVerifier(TokenSettings.ofSecret(SECRET).withAnonKey("no token at all"), CLOCK);
    assertTrue(named.verify("no token at all").isAnonymous());
    assertRefused(Reason.MALFORMED, "no token at all");
  }

  @Test
  void thirtySecondsAreForgivenAndNoMore() {
    assertEquals(ALICE, verifier.verify(signed(claims(NOW.minusSeconds(30)))).userId());
    assertRefused(Reason.EXPIRED, signed(claims(NOW.minusSeconds(31))));

    String soon = claims(NOW.plus(HOUR)).replace("}", ",\"nbf\":%d}");
    assertEquals(
        ALICE,
        verifier.verify(signed(soon.formatted(NOW.plusSeconds(30).getEpochSecond()))).userId());
    assertRefused(
        Reason.NOT_YET_VALID, signed(soon.formatted(NOW.plusSeconds(31).getEpochSecond())));
    assertRefused(
        Reason.NOT_YET_VALID,
        signed(soon.replace("nbf", "iat").formatted(NOW.plusSeconds(31).getEpochSecond())));
  }

  @Test
  void aTokenThatComesAgainIsVerifiedOnceAMinute() {
    MovingClock clock = new MovingClock();
    TokenVerifier later = new TokenVerifier(TokenSettings.ofSecret(SECRET), clock);
    String token = issuer.forUser(ALICE, HOUR);
    Identity first = later.verify(token);
    clock.now = NOW.plusSeconds(20);
    assertSame(first, later.verify(token));
    clock.now = NOW.plusSeconds(61);
    assertNotSame(first, later.verify(token));
    assertEquals(first, later.verify(token));
  }

  @Test
  void aTokenThatWasVerifiedExpiresAllTheSame() {
    MovingClock clock = new MovingClock();
    TokenVerifier later = new TokenVerifier(TokenSettings.ofSecret(SECRET), clock);
    String token = signed(claims(NOW.plusSeconds(10)));
    assertEquals(ALICE, later.verify(token).userId());
    clock.now = NOW.plusSeconds(40);
    assertEquals(ALICE, later.verify(token).userId());
    clock.now = NOW.plusSeconds(41);
    assertEquals(Reason.EXPIRED, refusal(later, token));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"role\":\"authenticated\",\"sub\":\"%s\"}",
        "{\"role\":\"authenticated\",\"sub\":\"%s\",\"exp\":\"tomorrow\"}",
        "{\"role\":\"authenticated\",\"sub\":\"%s\",\"exp\":null}",
        "{\"role\":\"authenticated\",\"exp\":4102444800}",
        "{\"role\":\"authenticated\",\"sub\":\"alice\",\"exp\":4102444800}",
        "{\"role\":\"authenticated\",\"sub\":7,\"exp\":4102444800}",
      })
  void expiryAndPersonMustBeThere(String claims) {
    assertRefused(Reason.MISSING_CLAIM, signed(claims.formatted(ALICE)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"postgres\"",
        "\"chat_relay\"",
        "\"Authenticated\"",
        "\"\"",
        "null",
        "7",
        "[\"anon\"]"
      })
  void nobodyBecomesAnotherRole(String role) {
    assertRefused(
        Reason.UNKNOWN_ROLE,
        signed("{\"role\":%s,\"sub\":\"%s\",\"exp\":4102444800}".formatted(role, ALICE)));
  }

  @Test
  void withoutRoleOneIsNobodyAndTheClaimsSaySo() {
    Identity nobody =
        verifier.verify(signed("{\"sub\":\"%s\",\"exp\":4102444800}".formatted(ALICE)));

    assertTrue(nobody.isAnonymous());
    assertTrue(nobody.claims().contains("\"role\":\"anon\""), nobody.claims());
  }

  @Test
  void aClaimHasOneMeaning() {
    assertRefused(
        Reason.MALFORMED,
        signed("{\"role\":\"anon\",\"role\":\"service_role\",\"exp\":4102444800}"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "abc", "a.b.c", "..", "eyJhbGciOiJIUzI1NiJ9..", "sb_secret_x"})
  void whatIsNoTokenIsMalformed(String text) {
    assertRefused(Reason.MALFORMED, text);
  }

  @Test
  void aSignatureMustHold() {
    String token = issuer.forUser(ALICE, HOUR);
    String other =
        new TokenIssuer("another secret of at least 32 bytes..", CLOCK).forUser(ALICE, HOUR);
    String[] parts = token.split("\\.");
    String swapped = parts[0] + "." + base64(claims(NOW.plus(HOUR))) + "." + parts[2];

    assertRefused(Reason.BAD_SIGNATURE, other);
    assertRefused(Reason.BAD_SIGNATURE, swapped);
    assertEquals(ALICE, verifier.verify(token).userId());
  }

  @Test
  void theSecretBeforeHoldsWhileItIsSet() {
    String before = "the secret before, of at least 32 bytes";
    String old = new TokenIssuer(before, CLOCK).forUser(ALICE, HOUR);
    String other =
        new TokenIssuer("another secret of at least 32 bytes..", CLOCK).forUser(ALICE, HOUR);
    TokenVerifier both =
        new TokenVerifier(
            new TokenSettings(SECRET, before, null, null, null, null, TokenClaims.USUAL), CLOCK);

    assertEquals(ALICE, both.verify(old).userId());
    assertEquals(ALICE, both.verify(issuer.forUser(ALICE, HOUR)).userId());
    assertEquals(Reason.BAD_SIGNATURE, refusal(both, other));
    assertRefused(Reason.BAD_SIGNATURE, old);
  }

  @Test
  void unsignedIsNotSigned() {
    String claims = base64(claims(NOW.plus(HOUR)));
    for (String algorithm : new String[] {"none", "None", "NONE"}) {
      String head = base64("{\"alg\":\"" + algorithm + "\",\"typ\":\"JWT\"}");
      assertThrows(InvalidToken.class, () -> verifier.verify(head + "." + claims + "."));
      assertThrows(InvalidToken.class, () -> verifier.verify(head + "." + claims + ".AAAA"));
    }
  }

  @Test
  void onlyTheConfiguredAlgorithmCounts() throws Exception {
    MACSigner long512 = new MACSigner(SECRET.repeat(2));
    TokenVerifier patient = new TokenVerifier(TokenSettings.ofSecret(SECRET.repeat(2)), CLOCK);
    String hs512 = signed(long512, new JWSHeader(JWSAlgorithm.HS512), claims(NOW.plus(HOUR)));
    String hs256 = signed(long512, new JWSHeader(JWSAlgorithm.HS256), claims(NOW.plus(HOUR)));

    assertEquals(
        Reason.BAD_SIGNATURE,
        assertThrows(InvalidToken.class, () -> patient.verify(hs512)).reason());
    assertEquals(ALICE, patient.verify(hs256).userId());
  }

  @Test
  void audienceAndIssuerAreCheckedWhereConfigured() {
    TokenVerifier strict =
        new TokenVerifier(
            new TokenSettings(
                SECRET, null, null, "chat", "https://id.example", null, TokenClaims.USUAL),
            CLOCK);
    String claims = claims(NOW.plus(HOUR)).replace("}", ",\"aud\":%s,\"iss\":\"%s\"}");

    String good = signed(claims.formatted("[\"other\",\"chat\"]", "https://id.example"));
    String otherAudience = signed(claims.formatted("\"other\"", "https://id.example"));
    String otherIssuer = signed(claims.formatted("\"chat\"", "https://id.example.evil"));
    String neither = signed(claims(NOW.plus(HOUR)));

    assertEquals(ALICE, strict.verify(good).userId());
    assertEquals(Reason.WRONG_AUDIENCE, refusal(strict, otherAudience));
    assertEquals(Reason.WRONG_ISSUER, refusal(strict, otherIssuer));
    assertEquals(Reason.WRONG_AUDIENCE, refusal(strict, neither));
    assertEquals(ALICE, verifier.verify(otherAudience).userId());
  }

  /** Keycloak and Auth0 name things otherwise; docs/tokens.md. */
  @Test
  void otherClaimsMaySayWhoItIs() {
    TokenVerifier other =
        byClaims(new TokenClaims("https://chat.example/id", "/realm/role", Caller.Role.ANON));
    String claims =
        """
        {"sub":"auth0|5f7c8ec7c33c6c004bbafe82","https://chat.example/id":"%s","realm":{"role":"authenticated"},\
        "role":"service_role","exp":%d}"""
            .formatted(ALICE, NOW.plus(HOUR).getEpochSecond());

    Identity alice = other.verify(signed(claims));

    assertEquals(Caller.Role.AUTHENTICATED, alice.role());
    assertEquals(ALICE, alice.userId());
    assertTrue(alice.claims().contains("\"sub\":\"" + ALICE + "\""), alice.claims());
    assertTrue(alice.claims().contains("\"role\":\"authenticated\""), alice.claims());
    assertEquals(
        Reason.MISSING_CLAIM, refusal(other, signed(claims.replace(ALICE.toString(), "alice"))));
  }

  @Test
  void whoHasNoIdOfTheChatHasNoneInTheDatabaseEither() {
    TokenVerifier other = byClaims(new TokenClaims("id", "as", Caller.Role.ANON));

    Identity nobody = other.verify(signed(claims(NOW.plus(HOUR))));

    assertEquals(Caller.Role.ANON, nobody.role(), "\"role\" is not the claim");
    assertFalse(nobody.claims().contains("sub"), nobody.claims());
  }

  @Test
  void aTokenWithoutARoleMayBeAPersons() {
    String claims = claims(NOW.plus(HOUR)).replace("\"role\":\"authenticated\",", "");
    TokenVerifier other = byClaims(new TokenClaims("sub", "role", Caller.Role.AUTHENTICATED));

    assertEquals(Caller.Role.AUTHENTICATED, other.verify(signed(claims)).role());
    assertEquals(Caller.Role.ANON, verifier.verify(signed(claims)).role());
    assertEquals(
        Reason.UNKNOWN_ROLE,
        refusal(other, signed(claims.replace("{", "{\"role\":\"postgres\","))));
  }

  private static TokenVerifier byClaims(TokenClaims claims) {
    return new TokenVerifier(TokenSettings.ofSecret(SECRET).withClaims(claims), CLOCK);
  }

  @Test
  void aShortSecretIsRefusedAtOnce() {
    assertThrows(IllegalArgumentException.class, () -> TokenSettings.ofSecret("short"));
    assertThrows(
        IllegalArgumentException.class,
        () -> new TokenSettings(null, null, null, null, null, null, TokenClaims.USUAL));
    assertThrows(
        IllegalArgumentException.class,
        () -> new TokenSettings(SECRET, "short", null, null, null, null, TokenClaims.USUAL));
    assertFalse(TokenSettings.ofSecret(SECRET).toString().contains(SECRET));
  }

  @Test
  void aTokenForEverIsStillADate() {
    Identity forEver =
        verifier.verify(
            signed("{\"role\":\"authenticated\",\"sub\":\"%s\",\"exp\":1e300}".formatted(ALICE)));
    assertEquals(Instant.parse("9999-12-31T23:59:59Z"), forEver.expiresAt());
    assertNull(verifier.verify("sb_publishable_x").expiresAt());
  }

  // ---- with a published set of keys

  @Test
  void publishedKeysAreFoundAndRotated() throws Exception {
    RSAKey rsa = new RSAKeyGenerator(2048).keyID("rsa").generate();
    ECKey ec = new ECKeyGenerator(Curve.P_256).keyID("ec").generate();
    ECKey next = new ECKeyGenerator(Curve.P_256).keyID("next").generate();
    AtomicReference<JWKSet> published =
        new AtomicReference<>(new JWKSet(java.util.List.of(rsa, ec)));
    try (KeyServer keys = new KeyServer(published)) {
      TokenVerifier byKeys = new TokenVerifier(TokenSettings.ofKeys(keys.address()), CLOCK);

      assertEquals(ALICE, byKeys.verify(signed(rsa)).userId());
      assertEquals(ALICE, byKeys.verify(signed(ec)).userId());
      assertEquals(Reason.BAD_SIGNATURE, refusal(byKeys, signed(next)), "not published yet");

      published.set(new JWKSet(next));
      TokenVerifier later = new TokenVerifier(TokenSettings.ofKeys(keys.address()), CLOCK);
      assertEquals(ALICE, later.verify(signed(next)).userId());
    }
  }

  @Test
  void aNewKeyIsNoticedWithoutARestart() throws Exception {
    ECKey first = new ECKeyGenerator(Curve.P_256).keyID("first").generate();
    ECKey second = new ECKeyGenerator(Curve.P_256).keyID("second").generate();
    AtomicReference<JWKSet> published = new AtomicReference<>(new JWKSet(first));
    try (KeyServer keys = new KeyServer(published)) {
      TokenVerifier byKeys = new TokenVerifier(TokenSettings.ofKeys(keys.address()), CLOCK);
      assertEquals(ALICE, byKeys.verify(signed(first)).userId());

      published.set(new JWKSet(second));
      assertEquals(ALICE, byKeys.verify(signed(second)).userId());
    }
  }

  @Test
  void aPublicKeyIsNoSecret() throws Exception {
    RSAKey rsa = new RSAKeyGenerator(2048).keyID("rsa").generate();
    try (KeyServer keys = new KeyServer(new AtomicReference<>(new JWKSet(rsa)))) {
      TokenVerifier byKeys = new TokenVerifier(TokenSettings.ofKeys(keys.address()), CLOCK);
      RSAPublicKey known = rsa.toRSAPublicKey();
      JWSHeader header = new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("rsa").build();
      String confused = signed(new MACSigner(known.getEncoded()), header, claims(NOW.plus(HOUR)));

      assertEquals(Reason.BAD_SIGNATURE, refusal(byKeys, confused));
      assertEquals(Reason.BAD_SIGNATURE, refusal(byKeys, issuer.forUser(ALICE, HOUR)));
      assertEquals(ALICE, byKeys.verify(signed(rsa)).userId());
    }
  }

  /** Keycloak publishes its key for encryption, too, and certificates with each. */
  @Test
  void keysForOtherUsesAreNotAsked() throws Exception {
    RSAKey encrypts =
        new RSAKeyGenerator(2048)
            .keyID("enc")
            .keyUse(KeyUse.ENCRYPTION)
            .algorithm(JWEAlgorithm.RSA_OAEP_256)
            .generate();
    RSAKey signs =
        new RSAKeyGenerator(2048)
            .keyID("sig")
            .keyUse(KeyUse.SIGNATURE)
            .algorithm(JWSAlgorithm.RS256)
            .generate();
    JWKSet both = new JWKSet(java.util.List.of(encrypts, signs));
    try (KeyServer keys = new KeyServer(new AtomicReference<>(both))) {
      TokenVerifier byKeys = new TokenVerifier(TokenSettings.ofKeys(keys.address()), CLOCK);

      assertEquals(ALICE, byKeys.verify(signed(signs)).userId());
      assertEquals(Reason.BAD_SIGNATURE, refusal(byKeys, signed(encrypts)));
    }
  }

  @Test
  void keysThatCannotBeReadAreNotTheTokensFault() throws Exception {
    ECKey ec = new ECKeyGenerator(Curve.P_256).keyID("ec").generate();
    KeyServer keys = new KeyServer(new AtomicReference<>(new JWKSet(ec)));
    TokenVerifier byKeys = new TokenVerifier(TokenSettings.ofKeys(keys.address()), CLOCK);
    keys.close();

    assertEquals(Reason.KEYS_UNAVAILABLE, refusal(byKeys, signed(ec)));
  }

  // ---- helpers

  private static final class MovingClock extends Clock {
    private Instant now = NOW;

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneOffset getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      throw new UnsupportedOperationException();
    }
  }

  private void assertRefused(Reason reason, String token) {
    assertEquals(reason, refusal(verifier, token));
  }

  private static Reason refusal(TokenVerifier verifier, String token) {
    return assertThrows(InvalidToken.class, () -> verifier.verify(token)).reason();
  }

  private static String claims(Instant expiry) {
    return "{\"role\":\"authenticated\",\"sub\":\"%s\",\"exp\":%d}"
        .formatted(ALICE, expiry.getEpochSecond());
  }

  private static String signed(String claims) {
    try {
      return signed(new MACSigner(SECRET), new JWSHeader(JWSAlgorithm.HS256), claims);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static String signed(JWK key) throws Exception {
    boolean rsa = key instanceof RSAKey;
    JWSHeader header =
        new JWSHeader.Builder(rsa ? JWSAlgorithm.RS256 : JWSAlgorithm.ES256)
            .keyID(key.getKeyID())
            .build();
    JWSSigner signer = rsa ? new RSASSASigner(key.toRSAKey()) : new ECDSASigner(key.toECKey());
    return signed(signer, header, claims(NOW.plus(HOUR)));
  }

  private static String signed(JWSSigner signer, JWSHeader header, String claims) throws Exception {
    JWSObject token = new JWSObject(header, new Payload(claims));
    token.sign(signer);
    return token.serialize();
  }

  private static String base64(String text) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Publishes the public halves. */
  private static final class KeyServer implements AutoCloseable {
    private final HttpServer server;

    KeyServer(AtomicReference<JWKSet> keys) throws IOException {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.createContext(
          "/keys",
          exchange -> {
            byte[] body = keys.get().toString(true).getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
          });
      server.start();
    }

    URI address() {
      return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/keys");
    }

    @Override
    public void close() {
      server.stop(0);
    }
  }
}
