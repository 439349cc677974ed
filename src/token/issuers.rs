//! Issuers that are known by their claims: how much a token opens depends on who made it for whom.

use super::jose::Token;
use serde_json::Value;

/// A kind of token that a known product issues.
#[derive(Debug, PartialEq, Eq)]
pub struct Issuer {
    /// What facts call it.
    pub name: &'static str,
    /// What it is, in a few words, for messages.
    pub title: &'static str,
    /// It stands for software or for a whole project, not for a person who logged in: whoever has it can do what
    /// that software can.
    pub machine: bool,
}

/// How an issuer is told. The functions are compared by nobody, so they stand beside the issuer.
type Told = (Issuer, fn(&View<'_>) -> bool);

macro_rules! issuers {
    ($($name:literal $title:literal $machine:literal $told:expr;)*) => {
        /// Every issuer that is known, most special first.
        const ISSUERS: &[Told] =
            &[$((Issuer { name: $name, title: $title, machine: $machine }, $told),)*];
        /// What the fact `token.issuer` is, with every name.
        pub const ISSUER_DOC: &str =
            concat!("The product that issued the token, as far as its claims tell:", $(" \"", $name, "\"",)* ".");
    };
}

issuers! {
    // https://supabase.com/docs/guides/api/api-keys
    "supabase-service" "a Supabase service_role key" true |t| t.iss("supabase") && t.is("role", "service_role");
    "supabase-anon" "a Supabase anon key" false |t| t.iss("supabase") && t.is("role", "anon");
    "supabase-user" "a Supabase session" false
        |t| t.iss.ends_with("/auth/v1") && t.is("role", "authenticated") && t.has("session_id");
    // https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
    "kubernetes-legacy" "a Kubernetes service account token of the old kind, which never expires" true
        |t| t.iss("kubernetes/serviceaccount") || t.has("kubernetes.io/serviceaccount/service-account.name");
    "kubernetes-bound" "a Kubernetes service account token" true
        |t| t.at("kubernetes.io").and_then(|k| k.get("serviceaccount")).is_some();
    // https://docs.github.com/actions/security-for-github-actions (OpenID Connect)
    "github-actions" "an identity token of a GitHub Actions job" true
        |t| t.host("token.actions.githubusercontent.com") || t.has("job_workflow_ref");
    "gitlab-ci" "an identity token of a GitLab CI job" true |t| t.has("ci_config_ref_uri") && t.has("pipeline_id");
    "circleci" "an identity token of a CircleCI job" true |t| t.host("oidc.circleci.com");
    "buildkite" "an identity token of a Buildkite job" true |t| t.host("agent.buildkite.com");
    "terraform-cloud" "an identity token of a Terraform run" true |t| t.has("terraform_run_id");
    "nomad" "a Nomad workload identity" true |t| t.has("nomad_job_id");
    "spiffe" "a SPIFFE identity of a workload" true |t| t.sub.starts_with("spiffe://");
    // https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html
    "cognito-m2m" "a Cognito token of a machine (client credentials)" true
        |t| t.cognito() && t.is("token_use", "access") && t.text("client_id") == Some(t.sub);
    "cognito-user" "a Cognito token of a user" false |t| t.cognito();
    // https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    "entra-app" "an app-only token of Microsoft Entra ID" true
        |t| t.entra() && (t.is("idtyp", "app") || t.has("roles") && !t.has("scp") && !t.has("upn") && t.own_object());
    "entra-user" "a Microsoft Entra ID token of a user" false |t| t.entra();
    // https://firebase.google.com/docs/auth/admin/create-custom-tokens
    "firebase-custom" "a Firebase custom token" true
        |t| t.service_account() && t.aud_has("identitytoolkit.googleapis.com/google.identity");
    // https://developers.google.com/identity/protocols/oauth2/service-account
    "google-service-account" "a token that a Google service account signed itself" true
        |t| t.service_account() && (t.aud_has("googleapis.com") || t.has("scope") || t.has("aud"));
    "google-workload" "an identity token of a Google service account" true
        |t| t.google() && t.text("email").is_some_and(|e| e.ends_with(GSERVICEACCOUNT));
    "google-user" "a Google ID token of a user" false |t| t.google();
    "firebase-user" "a Firebase token of a user" false |t| t.host("securetoken.google.com");
    // https://developer.hashicorp.com/vault/docs/secrets/identity/oidc-provider and response wrapping
    "vault-wrapping" "a Vault wrapping token" true |t| t.is("type", "wrapping") && t.has("accessor");
    "vault" "a Vault identity token" true |t| t.iss.contains("/v1/identity/oidc");
    // https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt
    "nats-operator" "a NATS operator token" true |t| t.nats("operator");
    "nats-account" "a NATS account token" true |t| t.nats("account");
    "nats-user" "a NATS user token" false |t| t.at("nats").is_some_and(Value::is_object);
    "auth0-m2m" "an Auth0 token of a machine (client credentials)" true |t| t.is("gty", "client-credentials");
    "okta-m2m" "an Okta token of a machine (client credentials)" true
        |t| t.text("cid").is_some_and(|cid| cid == t.sub) && !t.has("uid");
    "keycloak-m2m" "a Keycloak token of a service account" true
        |t| t.text("preferred_username").is_some_and(|name| name.starts_with("service-account-"));
    "app-store-connect" "an App Store Connect key" true |t| t.is("aud", "appstoreconnect-v1");
    "docker-registry" "a container registry token" false
        |t| t.at("access").and_then(|a| a.get(0)).is_some_and(|a| a.get("actions").is_some());
}

const GSERVICEACCOUNT: &str = ".gserviceaccount.com";

impl Token {
    /// The product that issued it, if its claims tell.
    pub fn issuer(&self) -> Option<&'static Issuer> {
        self.reading().issuer
    }

    pub(super) fn work_out_issuer(&self) -> Option<&'static Issuer> {
        let text = |name: &str| self.claim(name).and_then(Value::as_str).unwrap_or_default();
        self.claims()?;
        let view = View { token: self, iss: text("iss"), sub: text("sub") };
        ISSUERS.iter().find(|(_, told)| told(&view)).map(|(issuer, _)| issuer)
    }
}

/// The claims as the table above asks for them.
struct View<'a> {
    token: &'a Token,
    iss: &'a str,
    sub: &'a str,
}

impl<'a> View<'a> {
    fn at(&self, name: &str) -> Option<&'a Value> {
        self.token.claim(name)
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.at(name)?.as_str()
    }

    fn has(&self, name: &str) -> bool {
        self.at(name).is_some()
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.text(name) == Some(value)
    }

    fn iss(&self, value: &str) -> bool {
        self.iss == value
    }

    /// The issuer is an https URL of that host.
    fn host(&self, host: &str) -> bool {
        let rest = self.iss.strip_prefix("https://").and_then(|rest| rest.strip_prefix(host));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn cognito(&self) -> bool {
        let rest = self.iss.strip_prefix("https://cognito-idp.");
        rest.is_some_and(|rest| rest.contains(".amazonaws.com/") || rest.contains(".amazonaws.com.cn/"))
    }

    fn entra(&self) -> bool {
        [
            "login.microsoftonline.com",
            "sts.windows.net",
            "login.microsoftonline.us",
            "login.partner.microsoftonline.cn",
        ]
        .iter()
        .any(|host| self.host(host))
    }

    /// The subject is the object that the token stands for: no user delegates.
    fn own_object(&self) -> bool {
        self.text("oid").is_none_or(|oid| oid == self.sub)
    }

    fn google(&self) -> bool {
        self.host("accounts.google.com") || self.iss("accounts.google.com")
    }

    /// A service account of Google issues a token about itself.
    fn service_account(&self) -> bool {
        self.iss.ends_with(GSERVICEACCOUNT) && (self.sub.is_empty() || self.sub == self.iss)
    }

    fn aud_has(&self, part: &str) -> bool {
        let one = |value: &Value| value.as_str().is_some_and(|text| text.contains(part));
        self.at("aud")
            .is_some_and(|aud| one(aud) || aud.as_array().is_some_and(|all| all.iter().take(64).any(one)))
    }

    fn nats(&self, kind: &str) -> bool {
        self.at("nats").and_then(|nats| nats.get("type")).and_then(Value::as_str) == Some(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;

    fn issuer(claims: &str) -> Option<&'static str> {
        let text = format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", B64.encode(claims));
        Token::parse(text.as_bytes()).unwrap().issuer().map(|issuer| issuer.name)
    }

    #[test]
    fn products_are_told_by_their_claims() {
        for (claims, expected) in [
            (r#"{"iss":"supabase","ref":"abc","role":"service_role"}"#, "supabase-service"),
            (r#"{"iss":"supabase","ref":"abc","role":"anon"}"#, "supabase-anon"),
            (
                r#"{"iss":"https://abc.supabase.co/auth/v1","role":"authenticated","session_id":"1"}"#,
                "supabase-user",
            ),
            (r#"{"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:a:b"}"#, "kubernetes-legacy"),
            (
                r#"{"iss":"https://kubernetes.default.svc","kubernetes.io":{"namespace":"a","serviceaccount":{"name":"b"}}}"#,
                "kubernetes-bound",
            ),
            (
                r#"{"iss":"https://token.actions.githubusercontent.com","sub":"repo:o/r:ref:refs/heads/main"}"#,
                "github-actions",
            ),
            (
                r#"{"iss":"https://gitlab.example.test","ci_config_ref_uri":"x","pipeline_id":"1"}"#,
                "gitlab-ci",
            ),
            (
                r#"{"iss":"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a","token_use":"access","client_id":"c","sub":"c"}"#,
                "cognito-m2m",
            ),
            (
                r#"{"iss":"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a","token_use":"access","client_id":"c","sub":"u"}"#,
                "cognito-user",
            ),
            (
                r#"{"iss":"https://sts.windows.net/t/","roles":["Mail.Read"],"oid":"o","sub":"o"}"#,
                "entra-app",
            ),
            (
                r#"{"iss":"https://login.microsoftonline.com/t/v2.0","scp":"User.Read","oid":"o","sub":"s"}"#,
                "entra-user",
            ),
            (
                r#"{"iss":"a@p.iam.gserviceaccount.com","sub":"a@p.iam.gserviceaccount.com","aud":"https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"}"#,
                "firebase-custom",
            ),
            (
                r#"{"iss":"a@p.iam.gserviceaccount.com","sub":"a@p.iam.gserviceaccount.com","aud":"https://storage.googleapis.com/"}"#,
                "google-service-account",
            ),
            (
                r#"{"iss":"https://accounts.google.com","email":"a@p.iam.gserviceaccount.com"}"#,
                "google-workload",
            ),
            (r#"{"iss":"https://securetoken.google.com/p","sub":"u"}"#, "firebase-user"),
            (r#"{"iss":"https://vault.example.test:8200/v1/identity/oidc","sub":"e"}"#, "vault"),
            (r#"{"accessor":"","iss":"vault","type":"wrapping"}"#, "vault-wrapping"),
            (r#"{"iss":"OABC","nats":{"type":"account"}}"#, "nats-account"),
            (r#"{"iss":"AABC","nats":{"type":"user","permissions":{}}}"#, "nats-user"),
            (r#"{"iss":"https://a.auth0.com/","gty":"client-credentials","sub":"c@clients"}"#, "auth0-m2m"),
            (r#"{"iss":"https://k.test/realms/r","preferred_username":"service-account-x"}"#, "keycloak-m2m"),
        ] {
            assert_eq!(issuer(claims), Some(expected), "{claims}");
        }
        for claims in [
            "{}",
            r#"{"iss":"https://issuer.example.test","sub":"u"}"#,
            r#"{"iss":"https://token.actions.githubusercontent.com.evil.test"}"#,
            r#"{"iss":7,"nats":"x","access":[],"kubernetes.io":null}"#,
        ] {
            assert_eq!(issuer(claims), None, "{claims}");
        }
    }
}
