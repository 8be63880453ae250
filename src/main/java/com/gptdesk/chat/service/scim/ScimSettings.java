package com.gptdesk.chat.service.scim;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How an identity provider tells of people.
 *
 * @param token the bearer token that it sends; null: SCIM is off
 * @param team the name or id of the team that new people join; null for none
 * @param teamFrom the attribute whose value names a person's team; null for none
 * @param maxRequestsPerSecond requests a second on average, twice as many at once
 * @param maxResults people of a page
 */
public record ScimSettings(
    @Nullable String token,
    @Nullable String team,
    @Nullable String teamFrom,
    int maxRequestsPerSecond,
    int maxResults) {

  private static final Setting<@Nullable String> TOKEN =
      Setting.secret(
          "CHAT_SCIM_TOKEN",
          32,
          "none",
          "the bearer token with which an identity provider changes people at `/scim/v2`; without it that address does not exist");
  private static final Setting<@Nullable String> TEAM =
      Setting.text(
          "CHAT_SCIM_TEAM",
          "none",
          "the team that people join when an identity provider adds them, by name or id; one that is not there is added");
  private static final Setting<@Nullable String> TEAM_FROM =
      Setting.of(
          "CHAT_SCIM_TEAM_FROM",
          "department or organization",
          text -> List.of("department", "organization").contains(text) ? text : null,
          (@Nullable String) null,
          "none",
          "the attribute that names a person's team; without it an identity provider moves nobody");
  private static final Setting<Integer> RATE =
      Setting.number(
          "CHAT_SCIM_MAX_REQUESTS_PER_SECOND",
          50,
          1,
          10_000,
          "requests of identity providers a second on average, twice as many at once; then 429");
  private static final Setting<Integer> RESULTS =
      Setting.number(
          "CHAT_SCIM_MAX_RESULTS", 200, 1, 1000, "people of a page, whatever the request asks for");

  /** For help and for the document. */
  public static final List<Setting<?>> SETTINGS = List.of(TOKEN, TEAM, TEAM_FROM, RATE, RESULTS);

  /** Read from the environment. */
  public static ScimSettings from(Settings settings) {
    return new ScimSettings(
        settings.get(TOKEN),
        settings.get(TEAM),
        settings.get(TEAM_FROM),
        settings.get(RATE),
        settings.get(RESULTS));
  }

  /** Never shows the token. */
  @Override
  public String toString() {
    return "ScimSettings[%s, team %s, from %s]"
        .formatted(token == null ? "off" : "on", team, teamFrom);
  }
}
