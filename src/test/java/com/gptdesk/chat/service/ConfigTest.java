package com.gptdesk.chat.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.service.files.S3Settings;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The environment is checked as a whole, and its secrets are never shown. */
class ConfigTest {

  @Test
  void anEmptyEnvironmentIsEnough() throws Config.Invalid {
    Config config = Config.of(Map.of("PATH", "/bin"));
    assertTrue(config.database().embedded());
    assertTrue(config.rpc().enabled());
    assertEquals(8080, config.http().port());
    assertEquals(16, config.database().poolSize());
    assertTrue(config.database().dataDirectory().endsWith("data"));
    assertNull(config.database().maxMessageLength());
  }

  @Test
  void whatIsEmptyIsNotSet() throws Config.Invalid {
    assertEquals(8080, Config.of(Map.of("CHAT_PORT", " ", "CHAT_DATABASE_URL", "")).http().port());
  }

  @Test
  void everyProblemIsToldAtOnce() {
    Config.Invalid no =
        assertThrows(
            Config.Invalid.class,
            () ->
                Config.of(
                    Map.of(
                        "CHAT_DATABASE_URL", "postgres://somewhere/chat",
                        "CHAT_POOL_SIZE", "many",
                        "CHAT_PORT", "70000",
                        "CHAT_ENABLED", "perhaps",
                        "CHAT_JWT_SECRET", "short",
                        "CHAT_JWKS_URL", "keys",
                        "CHAT_TLS_KEY", "key.pem",
                        "CHAT_LISTEN_DRIVER", "gong")));
    assertEquals(
        List.of(
            "CHAT_ENABLED must be true or false, and is perhaps.",
            "CHAT_DATABASE_URL must be jdbc:postgresql://…; its value is not shown.",
            "Set CHAT_DATABASE_USER as well.",
            "CHAT_POOL_SIZE must be a whole number from 1 to 1000, and is many.",
            "CHAT_LISTEN_DRIVER must be pgjdbc-ng or pgjdbc, and is gong.",
            "CHAT_JWT_SECRET must have at least 32 bytes; its value is not shown.",
            "CHAT_JWKS_URL must be an http or https address; its value is not shown.",
            "CHAT_PORT must be a whole number from 0 to 65535, and is 70000.",
            "Set both CHAT_TLS_CERTIFICATE and CHAT_TLS_KEY, or neither."),
        no.problems());
  }

  @Test
  void theOldNameOfASettingIsRefusedWithTheNewOne() {
    Config.Invalid no =
        assertThrows(Config.Invalid.class, () -> Config.of(Map.of("CHAT_DOORBELL", "pgjdbc")));
    assertEquals(
        List.of("CHAT_DOORBELL is now named CHAT_LISTEN_DRIVER: set that instead."), no.problems());
  }

  @Test
  void aRequestsConnectionIsLostNoSoonerThanItsStatement() {
    Config.Invalid no =
        assertThrows(
            Config.Invalid.class,
            () ->
                Config.of(
                    Map.of("CHAT_STATEMENT_TIMEOUT_MS", "5000", "CHAT_SOCKET_TIMEOUT_MS", "5000")));

    assertEquals(
        List.of(
            "CHAT_SOCKET_TIMEOUT_MS must be longer than CHAT_STATEMENT_TIMEOUT_MS, or 0: the database ends a long statement, not the network."),
        no.problems());
  }

  @Test
  void oneWayToCheckTokens() {
    assertThrows(
        Config.Invalid.class,
        () ->
            Config.of(
                Map.of(
                    "CHAT_JWT_SECRET", "0123456789012345678901234567890123456789",
                    "CHAT_JWKS_URL", "https://keys.example/jwks")));
  }

  @Test
  void functionsAreServedByNameOrPattern() throws Config.Invalid {
    assertEquals(List.of(), Config.of(Map.of()).rpc().served());
    assertEquals(
        List.of("report", "my_*"),
        Config.of(Map.of("CHAT_SERVED_FUNCTIONS", "report, my_*")).rpc().served());
    for (String no : List.of("public.report", "report()", "a,,b", "report;")) {
      assertThrows(Config.Invalid.class, () -> Config.of(Map.of("CHAT_SERVED_FUNCTIONS", no)), no);
    }
  }

  @Test
  void originsAndProxiesAreListsOrEverybodyAndNobody() throws Config.Invalid {
    assertEquals(List.of("*"), Config.of(Map.of()).http().origins().origins());
    assertEquals(
        List.of("https://a.example", "http://localhost:5173"),
        Config.of(Map.of("CHAT_ALLOWED_ORIGINS", "https://a.example, http://localhost:5173"))
            .http()
            .origins()
            .origins());
    Config.Invalid no =
        assertThrows(
            Config.Invalid.class,
            () ->
                Config.of(
                    Map.of(
                        "CHAT_ALLOWED_ORIGINS", "https://a.example,*",
                        "CHAT_TRUSTED_PROXIES", "10.0.0.0/8, proxy.example")));
    assertEquals(
        List.of(
            "CHAT_ALLOWED_ORIGINS must be * or origins such as https://desk.example, separated by commas,"
                + " and is https://a.example,*.",
            "CHAT_TRUSTED_PROXIES must be addresses or networks such as 10.0.0.0/8, separated by commas,"
                + " and is 10.0.0.0/8, proxy.example."),
        no.problems());
  }

  @Test
  void secretsAreNeverShown() throws Config.Invalid {
    Config config =
        Config.of(
            Map.of(
                "CHAT_DATABASE_URL", "jdbc:postgresql://somewhere/chat",
                "CHAT_DATABASE_USER", "clerk",
                "CHAT_DATABASE_PASSWORD", "hush-hush",
                "CHAT_JWT_SECRET", "hush-hush-hush-hush-hush-hush-hush-hush",
                "CHAT_SCIM_TOKEN", "hush-hush-hush-hush-hush-hush-hush-hush"));
    Login login = Objects.requireNonNull(config.database().service());
    assertEquals("hush-hush", login.password());
    assertFalse(config.toString().contains("hush"));
    assertTrue(config.toString().contains("clerk"));
    assertFalse(config.database().embedded());
  }

  @Test
  void natsIsSaidByItsAddressAndNeverShown() throws Config.Invalid {
    var environment =
        Map.of(
            "CHAT_DATABASE_URL", "jdbc:postgresql://db/chat",
            "CHAT_DATABASE_USER", "chat_login",
            "CHAT_NATS_URL", "nats://me:hush-hush@one:4222,tls://two");
    var nats = Objects.requireNonNull(Config.of(environment).nats());
    assertEquals(List.of("nats://one:4222", "tls://two"), nats.servers());
    assertEquals("hush-hush", nats.password());
    assertFalse(nats.toString().contains("hush-hush"));
    assertFalse(Config.SETTINGS.printed(environment).toString().contains("hush-hush"));
  }

  @Test
  void whatIsWrongWithNatsIsToldAtOnce() {
    Config.Invalid no =
        assertThrows(
            Config.Invalid.class,
            () ->
                Config.of(
                    Map.of(
                        "CHAT_NATS_URL", "http://me:hush-hush@one",
                        "CHAT_NATS_CREDENTIALS", "/nowhere/at.creds",
                        "CHAT_NATS_SUBJECT", "chat.>")));
    assertEquals(
        List.of(
            "CHAT_NATS_URL must be nats://host:port or tls://host:port, several separated by commas;"
                + " its value is not shown.",
            "CHAT_NATS_CREDENTIALS must be a file that can be read, and is /nowhere/at.creds.",
            "CHAT_NATS_SUBJECT must be letters, digits, - and _, with dots in between,"
                + " and is chat.>.",
            "CHAT_NATS_URL needs CHAT_DATABASE_URL: an embedded database has one node."),
        no.problems());
  }

  @Test
  void aBucketNeedsAFolderForUploadsAndBothPartsOfItsKey() throws Config.Invalid {
    Config.Invalid no =
        assertThrows(
            Config.Invalid.class,
            () ->
                Config.of(
                    Map.of(
                        "CHAT_DATABASE_URL", "jdbc:postgresql://db/chat",
                        "CHAT_STORAGE_S3_BUCKET", "files",
                        "CHAT_STORAGE_S3_ACCESS_KEY", "id")));
    assertTrue(
        no.problems()
            .containsAll(
                List.of(
                    "CHAT_STORAGE_S3_ACCESS_KEY and CHAT_STORAGE_S3_SECRET_KEY go together.",
                    "CHAT_STORAGE_S3_BUCKET needs CHAT_STORAGE_DIR beside it: uploads are written there"
                        + " first.")),
        no::getMessage);
    S3Settings bucket =
        Config.of(
                Map.of(
                    "CHAT_STORAGE_S3_BUCKET", "files",
                    "CHAT_STORAGE_S3_ENDPOINT", "http://minio:9000",
                    "CHAT_STORAGE_S3_ACCESS_KEY", "id",
                    "CHAT_STORAGE_S3_SECRET_KEY", "hush-hush"))
            .files()
            .s3();
    assertEquals("S3Settings[files at http://minio:9000]", String.valueOf(bucket));
  }
}
