package com.gptdesk.chat.service.auth;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The settings of tokens. When neither a secret nor keys are set, the service uses a secret of its
 * own.
 *
 * @param secret shared secret of HS256 tokens; null for none
 * @param previousSecret the secret before, while tokens of it may come; null for none
 * @param keys address of the keys of RS256 and ES256 tokens; null for none
 * @param audience what a token's {@code aud} must contain; null for anything
 * @param issuer what a token's {@code iss} must be; null for anything
 * @param anonKey the key of every browser when it is not a token; null for none
 * @param claims which claims say who somebody is
 */
public record TokenChoice(
    @Nullable String secret,
    @Nullable String previousSecret,
    @Nullable URI keys,
    @Nullable String audience,
    @Nullable String issuer,
    @Nullable String anonKey,
    TokenClaims claims) {

  private static final Setting<@Nullable String> SECRET =
      Setting.secret(
          "CHAT_JWT_SECRET",
          TokenSettings.SHORTEST_SECRET,
          "random on the embedded one",
          "HS256 secret; the embedded database keeps it in `service.jwt-secret` (the demo: `jwt-secret`) in the data directory");
  private static final Setting<@Nullable String> PREVIOUS_SECRET =
      Setting.secret(
          "CHAT_JWT_PREVIOUS_SECRET",
          TokenSettings.SHORTEST_SECRET,
          "none",
          "the secret before CHAT_JWT_SECRET: its tokens are accepted, too, until you unset this");
  private static final Setting<@Nullable URI> KEYS =
      Setting.httpAddress(
          "CHAT_JWKS_URL", "where the keys of RS256 and ES256 are, in place of a secret");
  private static final Setting<@Nullable String> AUDIENCE =
      Setting.text("CHAT_JWT_AUDIENCE", "any", "what a token's `aud` must contain");
  private static final Setting<@Nullable String> ISSUER =
      Setting.text("CHAT_JWT_ISSUER", "any", "what a token's `iss` must be");
  private static final Setting<@Nullable String> ANON_KEY =
      Setting.secret(
          "CHAT_ANON_KEY", 0, "none", "the key that every browser has, when it is not a token");

  private static final Setting<String> PERSON_CLAIM =
      claim("CHAT_JWT_PERSON_CLAIM", TokenClaims.SUB, "the claim with the person's id, a UUID");
  private static final Setting<String> ROLE_CLAIM =
      claim(
          "CHAT_JWT_ROLE_CLAIM",
          TokenClaims.ROLE,
          "the claim with the role: anon, authenticated or service_role");
  private static final Setting<Caller.Role> DEFAULT_ROLE =
      Setting.of(
          "CHAT_JWT_DEFAULT_ROLE",
          "anon or authenticated",
          text ->
              switch (text) {
                case "anon" -> Caller.Role.ANON;
                case "authenticated" -> Caller.Role.AUTHENTICATED;
                default -> null;
              },
          Caller.Role.ANON,
          "anon",
          "the role of a token without that claim");

  /** The settings of tokens. */
  public static final List<Setting<?>> SETTINGS =
      List.of(
          SECRET,
          PREVIOUS_SECRET,
          KEYS,
          AUDIENCE,
          ISSUER,
          ANON_KEY,
          PERSON_CLAIM,
          ROLE_CLAIM,
          DEFAULT_ROLE);

  private static Setting<String> claim(String name, String otherwise, String meaning) {
    return Setting.of(
        name,
        "the name of a claim, or a JSON pointer to it",
        text -> text,
        otherwise,
        otherwise,
        meaning);
  }

  /** Read from the environment. */
  public static TokenChoice from(Settings settings) {
    TokenChoice choice =
        new TokenChoice(
            settings.get(SECRET),
            settings.get(PREVIOUS_SECRET),
            settings.get(KEYS),
            settings.get(AUDIENCE),
            settings.get(ISSUER),
            settings.get(ANON_KEY),
            new TokenClaims(
                settings.get(PERSON_CLAIM), settings.get(ROLE_CLAIM), settings.get(DEFAULT_ROLE)));
    if (choice.secret != null && choice.keys != null) {
      settings.problem("Set CHAT_JWT_SECRET or CHAT_JWKS_URL, not both: it pins the algorithm.");
    }
    if (choice.previousSecret != null && choice.secret == null) {
      settings.problem("Set CHAT_JWT_SECRET beside CHAT_JWT_PREVIOUS_SECRET.");
    }
    if (choice.claims.otherwise() == Caller.Role.AUTHENTICATED && choice.audience == null) {
      settings.problem(
          "Set CHAT_JWT_AUDIENCE beside CHAT_JWT_DEFAULT_ROLE=authenticated: else a token that your login made for another application is a person's here.");
    }
    return choice;
  }

  /** Completes the choice with this secret, unless another one is set. */
  public TokenSettings orSecret(@Nullable String other) {
    return new TokenSettings(
        secret == null && keys == null ? other : secret,
        previousSecret,
        keys,
        audience,
        issuer,
        anonKey,
        claims);
  }

  /** Never shows the secret. */
  @Override
  public String toString() {
    return secret != null ? "TokenChoice[HS256]" : "TokenChoice[" + keys + "]";
  }
}
