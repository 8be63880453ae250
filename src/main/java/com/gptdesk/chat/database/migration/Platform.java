package com.gptdesk.chat.database.migration;

import java.util.Locale;

/** Whether the database already has GPT Desk's roles, teams and users. */
public enum Platform {
  /** It has not: {@code db/platform} makes them. */
  STANDALONE,
  /** It has, as on Supabase: {@code db/platform} is left out. */
  EXISTING;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
