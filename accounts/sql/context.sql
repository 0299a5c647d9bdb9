-- Who acts, from the transaction-local settings that accounts.actor binds. Unset means nobody.
CREATE OR REPLACE FUNCTION cc_user() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('cardiocare.user_id', true), '')::bigint $$;

CREATE OR REPLACE FUNCTION cc_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('cardiocare.role', true), '') $$;
