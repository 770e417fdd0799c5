//! Techniques of MITRE ATT&CK for ICS by name, for who reads an account without the matrix at hand.

/// Sorted by id; those that a model names, or may.
const TECHNIQUES: &[(&str, &str)] = &[
    ("T0800", "Activate Firmware Update Mode"),
    ("T0801", "Monitor Process State"),
    ("T0806", "Brute Force I/O"),
    ("T0811", "Data from Information Repositories"),
    ("T0814", "Denial of Service"),
    ("T0816", "Device Restart/Shutdown"),
    ("T0821", "Modify Controller Tasking"),
    ("T0822", "External Remote Services"),
    ("T0823", "Graphical User Interface"),
    ("T0826", "Loss of Availability"),
    ("T0830", "Adversary-in-the-Middle"),
    ("T0831", "Manipulation of Control"),
    ("T0835", "Manipulate I/O Image"),
    ("T0836", "Modify Parameter"),
    ("T0838", "Modify Alarm Settings"),
    ("T0839", "Module Firmware"),
    ("T0843", "Program Download"),
    ("T0845", "Program Upload"),
    ("T0846", "Remote System Discovery"),
    ("T0848", "Rogue Master"),
    ("T0855", "Unauthorized Command Message"),
    ("T0856", "Spoof Reporting Message"),
    ("T0857", "System Firmware"),
    ("T0858", "Change Operating Mode"),
    ("T0859", "Valid Accounts"),
    ("T0861", "Point & Tag Identification"),
    ("T0864", "Transient Cyber Asset"),
    ("T0866", "Exploitation of Remote Services"),
    ("T0867", "Lateral Tool Transfer"),
    ("T0868", "Detect Operating Mode"),
    ("T0869", "Standard Application Layer Protocol"),
    ("T0878", "Alarm Suppression"),
    ("T0881", "Service Stop"),
    ("T0882", "Theft of Operational Information"),
    ("T0883", "Internet Accessible Device"),
    ("T0884", "Connection Proxy"),
    ("T0885", "Commonly Used Port"),
    ("T0886", "Remote Services"),
    ("T0888", "Remote System Information Discovery"),
    ("T0889", "Modify Program"),
    ("T0893", "Data from Local System"),
];

/// A technique's name; nothing for an id that is not listed here.
pub fn name(id: &str) -> &'static str {
    TECHNIQUES
        .binary_search_by_key(&id, |(known, _)| known)
        .ok()
        .and_then(|at| TECHNIQUES.get(at))
        .map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_technique_of_a_model_has_a_name() {
        assert!(TECHNIQUES.is_sorted_by_key(|(id, _)| id));
        for spec in crate::detect::REGISTRY {
            for id in spec.techniques {
                assert!(!name(id).is_empty(), "{id} of {}", spec.id);
            }
        }
    }
}
