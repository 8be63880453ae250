package com.gptdesk.chat.service.scim;

import java.time.OffsetDateTime;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A person as the database has them.
 *
 * @param userName their address, when no identity provider told another name
 * @param externalId the identity provider's own id
 * @param attributes what was told and has no column of its own, a JSON object
 * @param created when an identity provider first told of them; null when none has
 * @param changed when it last did
 */
record ScimPerson(
    UUID id,
    String userName,
    @Nullable String externalId,
    String email,
    String fullName,
    boolean isActive,
    String attributes,
    @Nullable OffsetDateTime created,
    @Nullable OffsetDateTime changed) {}
